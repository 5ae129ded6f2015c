jitwg_benchmark(ws_load
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/ws_load_client.cc ${CMAKE_CURRENT_LIST_DIR}/ws_load_crowd.cc
          ${CMAKE_CURRENT_LIST_DIR}/ws_load_main.cc ${CMAKE_CURRENT_LIST_DIR}/ws_load_one.cc
          ${CMAKE_CURRENT_LIST_DIR}/ws_load_parts.cc ${CMAKE_CURRENT_LIST_DIR}/ws_load_ping.cc
  DEPS jitwg_ws jitwg_ws_io jitwg_registry jitwg_test_initiator CLI11::CLI11 nlohmann_json::nlohmann_json)
jitwg_benchmark(ws_relay SOURCES ${CMAKE_CURRENT_LIST_DIR}/ws_relay.cc
                DEPS jitwg_ws_io CLI11::CLI11 Boost::headers)
set_target_properties(ws_load PROPERTIES UNITY_BUILD OFF)
