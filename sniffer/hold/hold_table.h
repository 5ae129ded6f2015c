// The sniffer's own nftables table in the kernel: made, kept in step with the ports, removed.
// Touches no other table.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "sniffer/hold/hold_rules.h"
#include "sniffer/install/netlink_socket.h"

namespace jitwg::sniffer {

// "jitwg_" and 8 hexadecimal digits that stand for the state directory, so that two sniffers on one
// machine have a table each and a restarted one finds its own.
std::string HoldTableName(std::string_view state_dir);

// What this kernel offers: the better way first. kPermissionDenied: CAP_NET_ADMIN is missing;
// kUnimplemented: it can queue in no way. Leaves nothing behind.
Result<HoldRules> FindHoldRules(const std::string& table, std::uint16_t queue, bool may_own = true);

// In the network namespace of the thread that made it. Thread-safe.
class HoldTable {
 public:
  // Makes table and chain, without a rule. A table of this name that a crash left behind is removed
  // first. kAlreadyExists: another process owns it.
  static Result<std::unique_ptr<HoldTable>> Create(HoldRules rules);
  // Removes a table of this name that has no owner. kAlreadyExists: it has one.
  static Status RemoveLeftover(const std::string& table);
  // Remove.
  ~HoldTable();
  HoldTable(const HoldTable&) = delete;
  HoldTable& operator=(const HoldTable&) = delete;

  // From now on initiations to these ports are queued, without a moment in which none are.
  Status SetPorts(std::span<const std::uint16_t> ports);
  // Makes a table again that somebody removed; true when it had to. The kernel keeps an owned one.
  Result<bool> Restore();
  // Nothing is queued from now on, whatever SetPorts says; the table is still there.
  Status StopQueueing();
  // Removes the table, and with it its hook, whereupon the kernel drops every packet that waits in
  // any queue of the network namespace (nf_unregister_net_hook): they are to be let go before.
  // Again: no effect.
  Status Remove();

  const HoldRules& rules() const { return rules_; }

 private:
  HoldTable(HoldRules rules, NetlinkSocket socket)
      : rules_(std::move(rules)), socket_(std::move(socket)) {}

  int PutPorts();  // mutex_ held

  const HoldRules rules_;
  std::mutex mutex_;
  NetlinkSocket socket_;  // an owned table goes with it
  std::uint32_t sequence_ = 1;
  std::vector<std::uint16_t> ports_;
  bool stopped_ = false;
  bool removed_ = false;
};

}  // namespace jitwg::sniffer
