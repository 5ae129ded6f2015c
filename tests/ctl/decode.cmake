jitwg_test(decode_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/decode_test.cc
           ONE_THREAD DEPS jitwg_ctl_decode jitwg_test_frames jitwg_test_initiator)
