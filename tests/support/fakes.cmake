# Fakes that keep state, for the tests of every room.
add_library(jitwg_fake_device STATIC ${CMAKE_CURRENT_LIST_DIR}/fake_device.cc)
target_compile_options(jitwg_fake_device PRIVATE ${JITWG_WARNINGS})
target_include_directories(jitwg_fake_device PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(jitwg_fake_device PUBLIC jitwg_install)
