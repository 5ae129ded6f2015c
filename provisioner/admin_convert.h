// The admin service's messages and the provisioner's values.
#pragma once

#include <cstdint>

#include "jitwg/v1/admin.pb.h"
#include "provisioner/decisions.h"
#include "provisioner/operator.h"

namespace jitwg::provisioner {

// One message of the stream; a beat becomes a heartbeat.
void FillMessage(const DecisionMessage& message, std::uint64_t dropped_before,
                 v1::WatchDecisionsResponse* response);

void FillExplanation(const PublicKey& key, const Explanation& explanation,
                     v1::ExplainResponse* response);

// kInvalidArgument says which part makes no sense.
Result<EvictionWish> ParseWish(const v1::EvictRequest& request);
void FillOutcome(const EvictionOutcome& outcome, v1::EvictResponse* response);

}  // namespace jitwg::provisioner
