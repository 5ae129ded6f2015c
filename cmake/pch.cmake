# One precompiled header for all targets, with JITWG_PCH: it halves the sanitizers' builds. Not with GCC, which then warns of
# what is in the libraries' headers. The release preset compiles each file alone, so that a forgotten include is found there.
option(JITWG_PCH "Precompile the libraries' headers" OFF)

if(JITWG_PCH)
  # A precompiled header fits only where the command line says the same.
  add_compile_options(-pthread)
  add_compile_definitions(SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL FMT_SHARED GTEST_HAS_PTHREAD=1)
  file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "// Nothing but the home of the precompiled header.\n")
  add_library(jitwg_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
  target_link_libraries(jitwg_pch PRIVATE gRPC::grpc++ protobuf::libprotobuf GTest::gmock spdlog::spdlog fmt::fmt
                        nlohmann_json::nlohmann_json tl::expected PkgConfig::sodium)
  target_precompile_headers(jitwg_pch PRIVATE
    <algorithm> <array> <atomic> <chrono> <condition_variable> <filesystem> <functional> <map> <memory> <mutex> <optional>
    <sstream> <string> <thread> <variant> <vector> <tl/expected.hpp> <fmt/format.h> <spdlog/spdlog.h>
    <nlohmann/json.hpp> <grpcpp/grpcpp.h> <google/protobuf/message.h> <google/protobuf/generated_message_util.h>
    <google/protobuf/map_field.h> <google/protobuf/unknown_field_set.h> <gmock/gmock.h> <gtest/gtest.h>)
endif()

function(jitwg_use_pch target)
  if(JITWG_PCH)
    target_precompile_headers(${target} REUSE_FROM jitwg_pch)
  endif()
endfunction()
