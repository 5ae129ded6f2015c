# The installer: everything that changes a WireGuard interface's peers.
jitwg_room(jitwg_install
  SOURCES
    install/batch_apply.cc install/device_error.cc install/netlink_device.cc install/netlink_socket.cc
    install/wg_decode.cc install/wg_encode.cc
  HEADERS
    install/batch_apply.h install/device_error.h install/limits.h install/netlink_device.h
    install/netlink_socket.h install/wg_message.h install/wiped_buffer.h install/wireguard_device.h
  DEPS jitwg_base PkgConfig::mnl)
