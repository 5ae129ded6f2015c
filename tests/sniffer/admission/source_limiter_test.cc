#include "sniffer/admission/source_limiter.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace jitwg::sniffer {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1000s};
constexpr SourceLimiterOptions kSmall{
    .per_source = {10, 5}, .global = {1000, 1000}, .capacity = 1024};

IpAddress Address(const std::string& text) { return IpAddress::Parse(text).value(); }

IpAddress RandomAddress(std::mt19937_64& random) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return random() % 2 == 0 ? IpAddress::V4(std::span(bytes).first<4>()) : IpAddress::V6(bytes);
}

int CountAdmitted(SourceLimiter& limiter, const IpAddress& source, int tries, SteadyTime now) {
  int admitted = 0;
  for (int attempt = 0; attempt < tries; ++attempt) {
    if (limiter.Admit(source, now) == AdmissionVerdict::kAdmitted) ++admitted;
  }
  return admitted;
}

TEST(SourceLimiter, AdmitsTheBurstThenRefusesTheSource) {
  SourceLimiter limiter(kSmall, kStart);
  EXPECT_EQ(CountAdmitted(limiter, Address("192.0.2.1"), 5, kStart), 5);
  EXPECT_EQ(limiter.Admit(Address("192.0.2.1"), kStart), AdmissionVerdict::kSourceLimited);
}

TEST(SourceLimiter, RefillsAtTheRateAndNoFurtherThanTheBurst) {
  SourceLimiter limiter(kSmall, kStart);
  const IpAddress source = Address("192.0.2.1");
  CountAdmitted(limiter, source, 10, kStart);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart + 99ms), 0);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart + 101ms), 1);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart + 401ms), 3);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart + 24h), 5);
}

TEST(SourceLimiter, RefillAddsUpOverManySmallSteps) {
  SourceLimiter limiter(kSmall, kStart);
  const IpAddress source = Address("192.0.2.1");
  int admitted = 0;
  for (auto at = 0us; at < 10s; at += 137us) {
    admitted += CountAdmitted(limiter, source, 1, kStart + at);
  }
  EXPECT_NEAR(admitted, 5 + 100, 1);
}

TEST(SourceLimiter, AFloodOfOneSourceTakesNothingFromAnother) {
  SourceLimiter limiter({}, kStart);
  int polite = 0;
  int flooder = 0;
  for (auto at = 0ms; at < 10s; at += 1ms) {
    flooder += CountAdmitted(limiter, Address("203.0.113.9"), 100, kStart + at);  // 100,000/s
    if (at % 100ms == 0ms) polite += CountAdmitted(limiter, Address("192.0.2.1"), 1, kStart + at);
  }
  EXPECT_EQ(polite, 100);
  EXPECT_NEAR(flooder, 300 + 1000, 2);
}

TEST(SourceLimiter, CountsIpv6ByItsUpper64BitsAndIpv4ByAddress) {
  SourceLimiter limiter(kSmall, kStart);
  EXPECT_EQ(CountAdmitted(limiter, Address("2001:db8:0:1::1"), 3, kStart), 3);
  EXPECT_EQ(CountAdmitted(limiter, Address("2001:db8:0:1:ffff::2"), 9, kStart), 2);
  EXPECT_EQ(CountAdmitted(limiter, Address("2001:db8:0:2::1"), 9, kStart), 5);
  EXPECT_EQ(CountAdmitted(limiter, Address("192.0.2.1"), 9, kStart), 5);
  EXPECT_EQ(CountAdmitted(limiter, Address("192.0.2.2"), 9, kStart), 5);
}

TEST(SourceLimiter, KeepsTheFamiliesApart) {
  SourceLimiter limiter(kSmall, kStart);
  EXPECT_EQ(CountAdmitted(limiter, Address("32.1.13.184"), 9, kStart), 5);
  EXPECT_EQ(CountAdmitted(limiter, Address("2001:db8::"), 9, kStart),
            5);  // starts with the same bytes
}

TEST(SourceLimiter, ManySourcesAreBoundedByTheGlobalBucket) {
  SourceLimiter limiter(kSmall, kStart);
  std::mt19937_64 random(1);
  int admitted = 0;
  int limited = 0;
  for (int packet = 0; packet < 100000; ++packet) {
    const auto now = kStart + packet * 10us;  // one second in all
    const AdmissionVerdict verdict = limiter.Admit(RandomAddress(random), now);
    admitted += verdict == AdmissionVerdict::kAdmitted ? 1 : 0;
    limited += verdict == AdmissionVerdict::kGlobalLimited ? 1 : 0;
  }
  EXPECT_NEAR(admitted, 1000 + 1000, 2);
  EXPECT_EQ(admitted + limited, 100000);
}

TEST(SourceLimiter, ASourceThatIsRefusedDoesNotTouchTheGlobalBucket) {
  SourceLimiter limiter({.per_source = {10, 5}, .global = {1, 8}, .capacity = 64}, kStart);
  EXPECT_EQ(CountAdmitted(limiter, Address("203.0.113.9"), 1000, kStart), 5);
  EXPECT_EQ(CountAdmitted(limiter, Address("192.0.2.1"), 3, kStart), 3);
  EXPECT_EQ(limiter.Admit(Address("192.0.2.1"), kStart), AdmissionVerdict::kGlobalLimited);
}

TEST(SourceLimiter, AGlobalRefusalCostsTheSourceItsToken) {
  SourceLimiter limiter({.per_source = {10, 5}, .global = {1, 1}, .capacity = 64}, kStart);
  const IpAddress source = Address("192.0.2.1");
  EXPECT_EQ(limiter.Admit(source, kStart), AdmissionVerdict::kAdmitted);
  for (int attempt = 0; attempt < 4; ++attempt) {
    EXPECT_EQ(limiter.Admit(source, kStart), AdmissionVerdict::kGlobalLimited);
  }
  EXPECT_EQ(limiter.Admit(source, kStart), AdmissionVerdict::kSourceLimited);
}

TEST(SourceLimiter, InventedSourcesCannotWashAFloodersBucket) {
  // One set of eight places, so every new source must push one out.
  SourceLimiter limiter({.per_source = {1, 100}, .global = {1e9, 1e9}, .capacity = 8}, kStart);
  const IpAddress flooder = Address("203.0.113.9");
  EXPECT_EQ(CountAdmitted(limiter, flooder, 200, kStart), 100);
  std::mt19937_64 random(2);
  for (int source = 0; source < 10000; ++source) limiter.Admit(RandomAddress(random), kStart);
  EXPECT_EQ(CountAdmitted(limiter, flooder, 200, kStart), 0);
}

TEST(SourceLimiter, ASourcePushedOutStartsFullSoItIsNeverStarved) {
  SourceLimiter limiter({.per_source = {1, 2}, .global = {1e9, 1e9}, .capacity = 8}, kStart);
  std::mt19937_64 random(3);
  for (int round = 0; round < 1000; ++round) {
    const auto now = kStart + round * 1s;
    for (int source = 0; source < 50; ++source) limiter.Admit(RandomAddress(random), now);
    EXPECT_EQ(limiter.Admit(Address("192.0.2.1"), now), AdmissionVerdict::kAdmitted);
  }
}

TEST(SourceLimiter, AClockSetBackRefillsNothingAndThenGoesOn) {
  SourceLimiter limiter(kSmall, kStart);
  const IpAddress source = Address("192.0.2.1");
  CountAdmitted(limiter, source, 10, kStart);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart - 1h), 0);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, kStart - 1h + 201ms), 2);
}

TEST(SourceLimiter, AClockThatLeapsForwardFillsOnlyTheBurst) {
  SourceLimiter limiter(kSmall, kStart);
  const IpAddress source = Address("192.0.2.1");
  CountAdmitted(limiter, source, 10, kStart);
  EXPECT_EQ(CountAdmitted(limiter, source, 10, SteadyTime::max() - 1s), 5);
}

TEST(SourceLimiter, MemoryIsFixed) {
  SourceLimiter limiter({.per_source = {100, 300}, .global = {1e6, 1e6}, .capacity = 4096}, kStart);
  const std::size_t before = limiter.memory_bytes();
  EXPECT_LT(before, 4096U * 40);
  std::mt19937_64 random(4);
  for (int source = 0; source < 50000; ++source) limiter.Admit(RandomAddress(random), kStart);
  EXPECT_EQ(limiter.memory_bytes(), before);
}

TEST(SourceLimiterOptions, AreRefusedWhenTheyMakeNoSense) {
  EXPECT_TRUE(Validate(SourceLimiterOptions{}));
  EXPECT_FALSE(Validate({.per_source = {0, 5}}));
  EXPECT_FALSE(Validate({.per_source = {-1, 5}}));
  EXPECT_FALSE(Validate({.per_source = {10, 0.5}}));
  EXPECT_FALSE(Validate({.global = {std::numeric_limits<double>::quiet_NaN(), 5}}));
  EXPECT_FALSE(Validate({.global = {5, std::numeric_limits<double>::infinity()}}));
  EXPECT_FALSE(Validate({.capacity = std::size_t{1} << 30}));
  const Status status = Validate({.global = {0, 5}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message.find("global"), std::string::npos);
}

}  // namespace
}  // namespace jitwg::sniffer
