jitwg_fuzzer(fuzz_datagram SOURCES ${CMAKE_CURRENT_LIST_DIR}/datagram_fuzzer.cc DEPS jitwg_capture
             CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/datagram)
