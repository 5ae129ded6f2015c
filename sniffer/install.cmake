# The installer: everything that changes a WireGuard interface's peers.
jitwg_room(jitwg_install
  SOURCES
    install/batch_apply.cc install/device_error.cc install/guard.cc install/netlink_device.cc install/netlink_socket.cc
    install/own_set_format.cc install/own_set_journal.cc install/peer_manager.cc install/peer_manager_list.cc install/peer_table.cc install/prefix_index.cc
    install/wg_decode.cc install/wg_encode.cc
  HEADERS
    install/batch_apply.h install/device_error.h install/guard.h install/limits.h install/netlink_device.h
    install/own_set_format.h install/own_set_journal.h install/peer_manager.h install/peer_table.h install/prefix_index.h
    install/netlink_socket.h install/wg_message.h install/wiped_buffer.h install/wireguard_device.h
  DEPS jitwg_base PkgConfig::mnl)
