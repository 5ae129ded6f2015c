jitwg_test(pcap_source_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/pcap_source_test.cc DEPS jitwg_capture jitwg_test_frames
           LABELS integration)
