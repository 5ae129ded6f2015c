# The installer: everything that changes a WireGuard interface's peers.
jitwg_room(jitwg_install
  SOURCES
    install/batch_apply.cc install/device_error.cc install/device_factory.cc
    install/guard.cc install/last_endpoints.cc install/link_events.cc install/link_monitor.cc install/netlink_device.cc install/netlink_socket.cc
    install/own_set_format.cc install/own_set_journal.cc install/peer_manager.cc install/peer_manager_list.cc
    install/peer_table.cc install/prefix_index.cc install/route_socket.cc install/uapi_device.cc install/uapi_format.cc
    install/uapi_parse.cc install/uapi_socket.cc install/wg_decode.cc install/wg_encode.cc
  HEADERS
    install/batch_apply.h install/device_error.h install/device_factory.h
    install/guard.h install/last_endpoints.h install/limits.h install/link_events.h install/link_monitor.h install/netlink_device.h
    install/netlink_messages.h install/netlink_socket.h install/netlink_writer.h install/own_set_format.h install/own_set_journal.h install/peer_manager.h
    install/peer_table.h install/prefix_index.h install/route_socket.h install/uapi_device.h install/uapi_message.h
    install/uapi_socket.h install/wg_message.h install/wiped_buffer.h install/wireguard_device.h
  DEPS jitwg_base PkgConfig::mnl)
# The simulation (tests/simulation) has a disk of its own in its place.
set_source_files_properties(install/own_set_journal.cc PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
