# Benchmarks of the whole path: frames in, peers in.
jitwg_room(jitwg_bench_path
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/crowd.cc ${CMAKE_CURRENT_LIST_DIR}/gateway_process.cc
          ${CMAKE_CURRENT_LIST_DIR}/gateway_world.cc ${CMAKE_CURRENT_LIST_DIR}/loaded_sniffer.cc
          ${CMAKE_CURRENT_LIST_DIR}/memory_device.cc
  HEADERS crowd.h gateway_process.h gateway_world.h loaded_sniffer.h memory_device.h
  DEPS jitwg_sniffer_core jitwg_registry jitwg_test_frames jitwg_test_initiator jitwg_test_postgres)
jitwg_benchmark(bench_admit SOURCES ${CMAKE_CURRENT_LIST_DIR}/admit.cc
                DEPS jitwg_bench_path CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
jitwg_benchmark(bench_latency SOURCES ${CMAKE_CURRENT_LIST_DIR}/floor.cc ${CMAKE_CURRENT_LIST_DIR}/latency.cc
                DEPS jitwg_bench_path jitwg_provisioner_core PkgConfig::sqlite3 PkgConfig::libpq CLI11::CLI11
                     nlohmann_json::nlohmann_json fmt::fmt)
set_target_properties(bench_latency PROPERTIES UNITY_BUILD OFF)
jitwg_benchmark(bench_storm SOURCES ${CMAKE_CURRENT_LIST_DIR}/storm.cc
                DEPS jitwg_bench_path CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
jitwg_benchmark(peer_loader SOURCES ${CMAKE_CURRENT_LIST_DIR}/peer_loader.cc ${CMAKE_CURRENT_LIST_DIR}/registry_subjects.cc
                DEPS jitwg_rpc jitwg_registry jitwg_test_postgres fmt::fmt PkgConfig::sqlite3 PkgConfig::libpq)
# Built by scripts/bench alone: too dear for every build of everything.
set_target_properties(jitwg_bench_path bench_admit bench_latency bench_storm peer_loader PROPERTIES EXCLUDE_FROM_ALL ON)
set_target_properties(jitwg_bench_path PROPERTIES VERIFY_INTERFACE_HEADER_SETS OFF)
