jitwg_fuzzer(fuzz_ws SOURCES ws_fuzzer.cc DEPS jitwg_ws CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/ws)
jitwg_fuzzer(fuzz_ws_handshake SOURCES ws_handshake_fuzzer.cc DEPS jitwg_ws
             CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/ws_handshake)
