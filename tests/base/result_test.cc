#include "lib/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace jitwg {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Error{ErrorCode::kInvalidArgument, "odd"};
  return value / 2;
}

Status Check(int value) {
  if (const auto half = Half(value); !half) return half.error();
  return {};
}

TEST(ResultTest, CarriesAValueOrAnError) {
  ASSERT_TRUE(Half(4).has_value());
  EXPECT_EQ(*Half(4), 2);
  ASSERT_FALSE(Half(3).has_value());
  EXPECT_EQ(Half(3).error().message, "odd");
}

TEST(ResultTest, ErrorPassesThroughAnotherType) {
  EXPECT_TRUE(Check(2).has_value());
  EXPECT_EQ(Check(1).error().code, ErrorCode::kInvalidArgument);
}

TEST(ResultTest, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 5);
}

TEST(ErrorCodeTest, NamesAreDistinctUpperCase) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const auto name = ToString(static_cast<ErrorCode>(code));
    EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), std::string_view::npos);
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(ToString(ErrorCode::kNotFound), "NOT_FOUND");
}

TEST(ErrnoErrorTest, SaysWhatAndWhy) {
  const Error error = ErrnoError("cannot open /x", ENOENT);
  EXPECT_EQ(error.message, "cannot open /x: No such file or directory");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
}

TEST(ErrnoErrorTest, MapsEachErrnoToItsKind) {
  const std::pair<int, ErrorCode> expected[] = {{EPERM, ErrorCode::kPermissionDenied},
                                                {EACCES, ErrorCode::kPermissionDenied},
                                                {ENODEV, ErrorCode::kNotFound},
                                                {EADDRINUSE, ErrorCode::kAlreadyExists},
                                                {EINVAL, ErrorCode::kInvalidArgument},
                                                {ENOSPC, ErrorCode::kResourceExhausted},
                                                {ETIMEDOUT, ErrorCode::kDeadlineExceeded},
                                                {ECONNREFUSED, ErrorCode::kUnavailable},
                                                {EBUSY, ErrorCode::kUnavailable},
                                                {EILSEQ, ErrorCode::kInternal}};
  for (const auto& [value, code] : expected) EXPECT_EQ(ErrnoError("x", value).code, code) << value;
}

}  // namespace
}  // namespace jitwg
