jitwg_benchmark(bench_registry
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry.cc ${CMAKE_CURRENT_LIST_DIR}/registry_subjects.cc
  DEPS jitwg_peer_api jitwg_provisioner_core jitwg_test_postgres CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
