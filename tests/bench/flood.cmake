jitwg_benchmark(flood_generator SOURCES ${CMAKE_CURRENT_LIST_DIR}/flood_generator.cc
                DEPS jitwg_test_frames jitwg_test_initiator CLI11::CLI11)
jitwg_benchmark(capture_probe SOURCES ${CMAKE_CURRENT_LIST_DIR}/capture_probe.cc DEPS jitwg_capture CLI11::CLI11)
if(TARGET jitwg_rpc)
  jitwg_benchmark(sniffer_statistics SOURCES ${CMAKE_CURRENT_LIST_DIR}/sniffer_statistics.cc DEPS jitwg_rpc)
endif()
jitwg_benchmark(bench_tap SOURCES ${CMAKE_CURRENT_LIST_DIR}/tap.cc ${CMAKE_CURRENT_LIST_DIR}/data_path.cc
                DEPS jitwg_capture CLI11::CLI11 nlohmann_json::nlohmann_json)
