jitwg_fuzzer(fuzz_install SOURCES install_fuzzer.cc DEPS jitwg_install
             CORPUS ${CMAKE_CURRENT_SOURCE_DIR}/corpus/install)
