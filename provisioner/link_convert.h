// The sniffer's messages as the provisioner's values and back. Every byte that came over the wire
// is checked here, once.
#pragma once

#include "jitwg/v1/handshake_events.pb.h"
#include "jitwg/v1/peer_installer.pb.h"
#include "lib/base/result.h"
#include "provisioner/values.h"

namespace jitwg::provisioner {

// kInvalidArgument says which part makes no sense.
Result<HandshakeEvent> ParseEvent(const v1::HandshakeEvent& message);
Result<OutboundDemand> ParseDemand(const v1::OutboundDemand& message);
Result<PeerResult> ParseResult(const v1::PeerResult& message);
Result<PeerState> ParseState(const v1::PeerState& message);
void FillState(const PeerState& state, v1::PeerState* message);
Result<InterfaceState> ParseInterface(const v1::InterfaceState& message);

// The message then holds the preshared key: the caller wipes it (WipeSecrets).
void FillSpec(const PeerSpec& spec, v1::PeerSpec* message);
void WipeSecrets(v1::InstallPeersRequest& request);
v1::Completion ToMessage(Completion completion);

}  // namespace jitwg::provisioner
