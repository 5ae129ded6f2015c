#include "sniffer/admission/admission.h"

#include <gtest/gtest.h>

#include <array>

namespace jitwg::sniffer {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart{1000s};

std::array<std::uint8_t, 148> MakePacket(std::uint32_t number) {
  std::array<std::uint8_t, 148> packet{};
  for (std::size_t at = 0; at < 4; ++at) {
    packet[8 + at] = static_cast<std::uint8_t>(number >> (8 * at));
  }
  return packet;
}

AdmissionOptions Tiny() {
  return {.recent = {}, .limits = {.per_source = {1, 3}, .global = {1, 5}, .capacity = 64}};
}

TEST(Admission, ACopyCostsNoToken) {
  Admission admission(Tiny(), kStart);
  const IpAddress source = IpAddress::Parse("192.0.2.1").value();
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(0), source, kStart), AdmissionVerdict::kAdmitted);
  for (int copy = 0; copy < 100; ++copy) {
    EXPECT_EQ(admission.BeforeCrypto(MakePacket(0), source, kStart), AdmissionVerdict::kDuplicate);
  }
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(1), source, kStart), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(2), source, kStart), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(3), source, kStart),
            AdmissionVerdict::kSourceLimited);
}

TEST(Admission, ACopyFromAnotherSourceIsStillACopy) {
  Admission admission(Tiny(), kStart);
  const IpAddress one = IpAddress::Parse("192.0.2.1").value();
  const IpAddress other = IpAddress::Parse("2001:db8::1").value();
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(0), one, kStart), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(admission.BeforeCrypto(MakePacket(0), other, kStart), AdmissionVerdict::kDuplicate);
}

TEST(Admission, KnowsStaleStampsUntilToldToForget) {
  Admission admission(Tiny(), kStart);
  PublicKey key;
  key.bytes[0] = 9;
  EXPECT_EQ(admission.AfterCrypto(1, key, Tai64n::FromUnix(50, 0)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(admission.AfterCrypto(1, key, Tai64n::FromUnix(49, 0)), AdmissionVerdict::kOlderStamp);
  EXPECT_TRUE(admission.Forget(1, key));
  EXPECT_EQ(admission.AfterCrypto(1, key, Tai64n::FromUnix(49, 0)), AdmissionVerdict::kAdmitted);
}

TEST(Admission, ADayOfFloodsDoesNotMoveItsMemory) {
  Admission admission({}, kStart);
  const std::size_t before = admission.memory_bytes();
  EXPECT_LT(before, std::size_t{8} << 20);
  for (std::uint32_t number = 0; number < 100000; ++number) {
    const auto packet = MakePacket(number);
    const auto source = IpAddress::V4(std::span(packet).subspan<8, 4>());
    const auto now = kStart + number * 1s;
    admission.BeforeCrypto(packet, source, now);
    PublicKey key;
    std::copy(packet.begin(), packet.begin() + 32, key.bytes.begin());
    admission.AfterCrypto(1, key, Tai64n::FromUnix(number, 0));
  }
  EXPECT_EQ(admission.memory_bytes(), before);
}

}  // namespace
}  // namespace jitwg::sniffer
