# The outbound room: packets for peers that are not in, and who is asked for because of them.
jitwg_room(jitwg_outbound
  SOURCES outbound/demand_table.cc outbound/inner_destination.cc outbound/outbound_filter.cc
          outbound/outbound_watch.cc
  HEADERS outbound/demand.h outbound/demand_table.h outbound/inner_destination.h
          outbound/outbound_filter.h outbound/outbound_watch.h
  DEPS jitwg_admission jitwg_install jitwg_base)
