jitwg_fuzzer(fuzz_datagram SOURCES ${CMAKE_CURRENT_LIST_DIR}/datagram_fuzzer.cc DEPS jitwg_capture
             CORPUS ${CMAKE_CURRENT_LIST_DIR}/corpus/datagram)
# Made and run by hand when the seeds have to change: ninja datagram_seeds && bin/datagram_seeds tests/fuzz/corpus/datagram
if(TARGET jitwg_test_frames)
  jitwg_program(datagram_seeds SOURCES ${CMAKE_CURRENT_LIST_DIR}/datagram_seeds.cc DEPS jitwg_test_frames)
  set_target_properties(datagram_seeds PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
