set(name ${JITWG_TEST_PREFIX}decode_vs_tshark)
add_test(NAME ${name} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/decode_vs_tshark.py
                              ${CMAKE_BINARY_DIR}/bin/jitwgctl)
set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS integration)
