// See batch_apply.h.
#include "sniffer/install/batch_apply.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sniffer/install/limits.h"

namespace jitwg::sniffer {
namespace {

Status CheckChange(const PeerChange& change) {
  if (change.allowed_ips.size() > kMaxAllowedIpsPerChange) {
    return Error{ErrorCode::kInvalidArgument,
                 "a peer can have at most " + std::to_string(kMaxAllowedIpsPerChange) +
                     " allowed IPs, not " + std::to_string(change.allowed_ips.size())};
  }
  if (change.kick && !change.endpoint) {
    return Error{ErrorCode::kInvalidArgument, "a kick needs the endpoint to call"};
  }
  return {};
}

// What a failed message has left behind is not known, unless the interface itself is gone: the code
// that says so.
Error InDoubt(Error error) {
  if (error.code != ErrorCode::kNotFound) error.code = ErrorCode::kDeadlineExceeded;
  return error;
}

// Removes what a failed creation may have left: the kernel creates the peer first and fails later.
Status ClearAway(const PeerChange& failed, Error error, const BatchSender& sender) {
  PeerChange removal;
  removal.kind = PeerChange::Kind::kRemove;
  removal.public_key = failed.public_key;
  const Status removed = sender.send(std::span(&removal, 1)).status;
  if (removed) return error;
  error.message += " (and removing what was left of the peer failed as well)";
  return removed.error().code == ErrorCode::kNotFound ? error : InDoubt(std::move(error));
}

class Batches {
 public:
  Batches(std::span<const PeerChange> changes, const BatchSender& sender)
      : rest_(changes), sender_(sender) {
    results_.reserve(changes.size());
  }

  Result<std::vector<Status>> Run() {
    while (!rest_.empty()) {
      if (const Status fault = CheckChange(rest_.front()); !fault) {
        Finish(1, fault);
        continue;
      }
      const auto batch = NextBatch();
      const SendOutcome outcome = sender_.send(batch);
      if (outcome.status) {
        sent_ = true;
        Finish(batch.size(), {});
      } else if (outcome.whole_device) {
        const bool unknown = outcome.status.error().code == ErrorCode::kDeadlineExceeded;
        if (!sent_ && !unknown) return outcome.status.error();
        Finish(rest_.size(), outcome.status);
      } else {
        OneByOne(batch, outcome.status.error());
      }
    }
    return std::move(results_);
  }

 private:
  // The leading changes that are valid and fit one message.
  std::span<const PeerChange> NextBatch() const {
    const auto fault = std::find_if(rest_.begin(), rest_.end(),
                                    [](const PeerChange& change) { return !CheckChange(change); });
    const auto valid = rest_.first(static_cast<std::size_t>(fault - rest_.begin()));
    return valid.first(std::clamp<std::size_t>(sender_.fit(valid), 1, valid.size()));
  }

  void OneByOne(std::span<const PeerChange> batch, const Error& batch_error) {
    sent_ = true;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const PeerChange& change = batch[i];
      // A message of one already told what it failed with.
      SendOutcome outcome =
          batch.size() == 1 ? SendOutcome{batch_error, false} : sender_.send(batch.subspan(i, 1));
      if (!outcome.status && outcome.whole_device) {
        // The message that failed halfway may have carried out the rest of the batch.
        Finish(batch.size() - i, InDoubt(outcome.status.error()));
        if (!rest_.empty()) Finish(rest_.size(), outcome.status);
        return;
      }
      if (!outcome.status && change.kind == PeerChange::Kind::kCreate) {
        outcome.status = ClearAway(change, std::move(outcome.status.error()), sender_);
      }
      Finish(1, outcome.status);
    }
  }

  void Finish(std::size_t count, const Status& status) {
    results_.insert(results_.end(), count, status);
    rest_ = rest_.subspan(count);
  }

  std::span<const PeerChange> rest_;
  const BatchSender& sender_;
  std::vector<Status> results_;
  bool sent_ = false;
};

}  // namespace

Result<std::vector<Status>> ApplyInBatches(std::span<const PeerChange> changes,
                                           const BatchSender& sender) {
  if (changes.size() > kMaxChangesPerApply) {
    return Error{ErrorCode::kInvalidArgument, "at most " + std::to_string(kMaxChangesPerApply) +
                                                  " changes in one call, not " +
                                                  std::to_string(changes.size())};
  }
  return Batches(changes, sender).Run();
}

}  // namespace jitwg::sniffer
