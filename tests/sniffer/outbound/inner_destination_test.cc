#include "sniffer/outbound/inner_destination.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace jitwg::sniffer {
namespace {

std::vector<std::uint8_t> PacketTo(const std::string& text) {
  const IpAddress address = *IpAddress::Parse(text);
  std::vector<std::uint8_t> packet(address.is_v4() ? 20 : 40);
  packet[0] = address.is_v4() ? 0x45 : 0x60;
  const auto bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), packet.begin() + (address.is_v4() ? 16 : 24));
  return packet;
}

TEST(InnerDestinationTest, ReadsBothFamilies) {
  for (const char* address : {"10.8.0.2", "8.8.8.8", "223.255.255.255", "fd08::2", "2001:db8::1"}) {
    const auto read = InnerDestination(PacketTo(address));
    ASSERT_TRUE(read) << address;
    EXPECT_EQ(read->ToString(), address);
  }
}

TEST(InnerDestinationTest, WhatIsNobodysOwnAddressIsNone) {
  for (const char* address : {"0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255",
                              "240.1.1.1", "::", "::1", "ff02::1", "fe80::1", "febf::1"}) {
    EXPECT_FALSE(InnerDestination(PacketTo(address))) << address;
  }
}

TEST(InnerDestinationTest, ACutOffHeaderIsNone) {
  for (const char* address : {"10.8.0.2", "fd08::2"}) {
    const auto packet = PacketTo(address);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      EXPECT_FALSE(InnerDestination(std::span(packet).first(size))) << size;
    }
  }
}

TEST(InnerDestinationTest, AnyOtherVersionIsNone) {
  auto packet = PacketTo("fd08::2");
  for (int version = 0; version < 16; ++version) {
    packet[0] = static_cast<std::uint8_t>(version << 4);
    EXPECT_EQ(InnerDestination(packet).has_value(), version == 6) << version;
  }
}

TEST(InnerDestinationTest, AnyBytesAreReadWithoutHarm) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::uint8_t> packet(random() % 48);
    for (auto& byte : packet) byte = static_cast<std::uint8_t>(random());
    const auto read = InnerDestination(packet);
    if (read) {
      EXPECT_GE(packet.size(), read->is_v4() ? 20U : 40U);
    }
  }
}

}  // namespace
}  // namespace jitwg::sniffer
