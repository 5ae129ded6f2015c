// One listed peer as the protocol's message.
#pragma once

#include "jitwg/v1/peer_installer.pb.h"
#include "sniffer/install/peer_manager.h"

namespace jitwg::sniffer {

void FillPeerState(const ListedPeer& peer, v1::PeerState* message);

}  // namespace jitwg::sniffer
