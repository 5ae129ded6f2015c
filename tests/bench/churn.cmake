# The clients of scripts/soak, which alone builds them.
jitwg_benchmark(churn_clients SOURCES ${CMAKE_CURRENT_LIST_DIR}/churn_clients.cc DEPS jitwg_test_initiator CLI11::CLI11)
set_target_properties(churn_clients PROPERTIES EXCLUDE_FROM_ALL ON)
