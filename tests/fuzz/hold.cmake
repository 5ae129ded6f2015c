jitwg_fuzzer(fuzz_hold SOURCES hold_fuzzer.cc DEPS jitwg_hold CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/hold)
