# How a room (static library), a program and a unit test are declared. Keeps the rooms' CMakeLists to a list of files and arrows.

# Tests of a sanitizer's build carry its name, so that one ctest run can hold several builds.
if(JITWG_SANITIZE MATCHES "thread")
  set(JITWG_TEST_PREFIX "tsan.")
elseif(JITWG_SANITIZE)
  set(JITWG_TEST_PREFIX "asan.")
else()
  set(JITWG_TEST_PREFIX "")
endif()

set(JITWG_WARNINGS -Wall -Wextra -Wconversion -Werror)

# jitwg_room(NAME SOURCES ... HEADERS ... DEPS ...): a static library. DEPS are the only rooms and libraries it can link.
function(jitwg_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${JITWG_WARNINGS})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  # Every header compiles alone: one with a source of its own is that source's first include (clang-format sees to it), the
  # others are compiled by all_verify_interface_header_sets.
  set(alone ${ARG_HEADERS})
  foreach(header ${ARG_HEADERS})
    string(REGEX REPLACE "\\.h$" ".cc" source ${header})
    if(source IN_LIST ARG_SOURCES)
      list(REMOVE_ITEM alone ${header})
    endif()
  endforeach()
  target_sources(${name} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS}
    FILE_SET alone TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${alone})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON INTERFACE_HEADER_SETS_TO_VERIFY alone)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  jitwg_use_pch(${name})
endfunction()

# jitwg_program(NAME SOURCES ... DEPS ...): an executable in ${CMAKE_BINARY_DIR}/bin.
function(jitwg_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${JITWG_WARNINGS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  jitwg_use_pch(${name})
endfunction()

# What the tests of a sanitizer's build need, and no more: the programs are tested as they are shipped.
add_custom_target(jitwg_tests)
if(JITWG_FUZZ)
  add_custom_target(jitwg_fuzzers)
endif()

# jitwg_test(NAME SOURCES ... DEPS ... [LABELS ...] [NO_REGISTER] [ONE_THREAD]): a GoogleTest program; one ctest entry for
# the program. ONE_THREAD: nothing it tests starts a thread or is shared by several, so ThreadSanitizer need not look.
function(jitwg_test name)
  cmake_parse_arguments(ARG "NO_REGISTER;ONE_THREAD" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(ARG_ONE_THREAD AND JITWG_SANITIZE MATCHES "thread")
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${JITWG_WARNINGS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE JITWG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  jitwg_use_pch(${name})
  if(NOT ARG_NO_REGISTER)
    add_dependencies(jitwg_tests ${name})
    add_test(NAME ${JITWG_TEST_PREFIX}${name} COMMAND ${name})
    if(NOT ARG_TIMEOUT)
      set(ARG_TIMEOUT 120)
    endif()
    if(NOT ARG_LABELS)
      set(ARG_LABELS unit)
    endif()
    # A skipped case inside a program must not look like a pass.
    set_tests_properties(${JITWG_TEST_PREFIX}${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                         FAIL_REGULAR_EXPRESSION "\\[  SKIPPED \\]"
                         ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
endfunction()

# jitwg_fuzzer(NAME SOURCES ... DEPS ... CORPUS DIR): a libFuzzer target and a ctest entry that runs it for a bounded count.
# Only with JITWG_FUZZ (clang).
function(jitwg_fuzzer name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;DEPS" ${ARGN})
  if(NOT JITWG_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${JITWG_WARNINGS} -fsanitize=fuzzer)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  # libFuzzer writes what it finds into the first folder: never into the sources.
  set(found ${CMAKE_CURRENT_BINARY_DIR}/${name}.found)
  file(MAKE_DIRECTORY ${found})
  add_dependencies(jitwg_tests ${name})
  add_dependencies(jitwg_fuzzers ${name})
  add_test(NAME ${JITWG_TEST_PREFIX}${name}
           COMMAND ${name} -runs=50000 -max_total_time=8 -seed=1 ${found} ${ARG_CORPUS})
  set_tests_properties(${JITWG_TEST_PREFIX}${name} PROPERTIES TIMEOUT 120 LABELS "fuzz")
endfunction()
