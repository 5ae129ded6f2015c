# The gateway command's work. Apart from the other commands, because it alone configures interfaces.
jitwg_room(jitwg_ctl_gateway
  SOURCES gateway/bring_up.cc gateway/interface_state.cc gateway/key_file.cc gateway/plan.cc gateway/route_message.cc
          gateway/userspace.cc
  HEADERS gateway/bring_up.h gateway/interface_state.h gateway/key_file.h gateway/plan.h gateway/route_message.h
          gateway/userspace.h
  DEPS jitwg_base jitwg_config jitwg_install PkgConfig::mnl)
