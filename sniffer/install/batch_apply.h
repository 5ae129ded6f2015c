// Carries a list of peer changes to an implementation whose messages are not transactional: on an
// error it finds out which peer failed and clears away what a failed creation left. Pure but for
// the two functions it is given.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/install/wireguard_device.h"

namespace jitwg::sniffer {

// What became of one message.
struct SendOutcome {
  Status status;
  // The error would hit every other peer as well (no interface, no permission, no answer): do not
  // try them.
  bool whole_device = false;
};

struct BatchSender {
  // How many of the leading changes one message can carry; a result of 0 counts as 1.
  std::function<std::size_t(std::span<const PeerChange>)> fit;
  // Sends one message. After an error any prefix of it may have been applied.
  std::function<SendOutcome(std::span<const PeerChange>)> send;
};

// As WireGuardDevice::Apply. The outer error: more than kMaxChangesPerApply changes, or the first
// message failed for the whole device (then nothing was applied, unless the code is
// kDeadlineExceeded: there each change carries the error, because nobody knows). A creation that
// failed is followed by a removal of that key, even if the peer was there before; one that could
// not be removed, or that a message which failed halfway may have carried out, is
// kDeadlineExceeded, too.
Result<std::vector<Status>> ApplyInBatches(std::span<const PeerChange> changes,
                                           const BatchSender& sender);

}  // namespace jitwg::sniffer
