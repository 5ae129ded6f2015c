jitwg_room(jitwg_sniffer_core
  SOURCES call_order.cc confinement.cc daemon.cc daemon_metrics.cc events_service.cc follower.cc installer_service.cc interface_table.cc
          options.cc peer_state.cc pipeline.cc state_dir.cc statistics.cc
  HEADERS confinement.h daemon.h event.h events_service.h follower.h install_statistics.h installer_service.h
          interface_table.h options.h peer_state.h pipeline.h state_dir.h statistics.h
  DEPS jitwg_completion jitwg_hold jitwg_outbound jitwg_capture jitwg_admission jitwg_install jitwg_noise jitwg_rpc jitwg_metrics jitwg_sandbox jitwg_config jitwg_base)
jitwg_program(jitwg-sniffer SOURCES main.cc DEPS jitwg_sniffer_core jitwg_service)
