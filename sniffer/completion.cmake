# The completion room: how a handshake is made to finish once its peer is in.
jitwg_room(jitwg_completion
  SOURCES completion/completions.cc completion/held_initiations.cc completion/initiation_table.cc
          completion/injector_factory.cc completion/link_map.cc completion/link_reader.cc completion/mirred_injector.cc
          completion/original_packet.cc completion/own_copies.cc completion/raw_injector.cc completion/reinject.cc
          completion/tc_message.cc completion/udp_checksum.cc
  HEADERS completion/completion.h completion/completions.h completion/held_initiations.h completion/initiation_table.h
          completion/injector_factory.h completion/link_map.h completion/link_reader.h completion/mirred_injector.h
          completion/original_packet.h completion/own_copies.h completion/packet_injector.h
          completion/raw_injector.h completion/reinject.h completion/tc_message.h
          completion/udp_checksum.h
  DEPS jitwg_capture jitwg_install jitwg_noise jitwg_base PkgConfig::mnl)
