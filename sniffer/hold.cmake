# The hold room: packets that the kernel keeps until the peer is in, and the nftables table that chooses them.
jitwg_room(jitwg_hold
  SOURCES hold/hold_deadline.cc hold/hold_rules.cc hold/hold_table.cc hold/nfnetlink_exchange.cc
          hold/nfnetlink_reader.cc hold/nfnetlink_writer.cc hold/nfqueue_message.cc hold/nfqueue_source.cc
          hold/queue_socket.cc
  HEADERS hold/hold_deadline.h hold/hold_rules.h hold/hold_table.h hold/nfnetlink_exchange.h
          hold/nfnetlink_reader.h hold/nfnetlink_writer.h hold/nfqueue_message.h hold/nfqueue_source.h
          hold/queue_socket.h
  DEPS jitwg_base jitwg_capture jitwg_install PkgConfig::mnl)
