#include "sniffer/peer_state.h"

#include "lib/rpc/convert.h"

namespace jitwg::sniffer {

void FillPeerState(const ListedPeer& peer, v1::PeerState* message) {
  message->set_public_key(rpc::ToBytes(peer.peer.public_key));
  message->set_own(peer.own);
  for (const IpPrefix& prefix : peer.peer.allowed_ips) {
    rpc::Fill(prefix, message->add_allowed_ips());
  }
  if (peer.peer.endpoint) rpc::Fill(*peer.peer.endpoint, message->mutable_endpoint());
  if (peer.peer.last_handshake) {
    rpc::Fill(*peer.peer.last_handshake, message->mutable_last_handshake());
  }
  message->set_rx_bytes(peer.peer.rx_bytes);
  message->set_tx_bytes(peer.peer.tx_bytes);
  message->set_persistent_keepalive_seconds(peer.peer.persistent_keepalive);
  message->set_has_preshared_key(peer.peer.has_preshared_key);
  if (peer.installed_for) rpc::Fill(*peer.installed_for, message->mutable_installed_for());
  if (peer.newest_timestamp) message->set_newest_timestamp(rpc::ToBytes(*peer.newest_timestamp));
}

}  // namespace jitwg::sniffer
