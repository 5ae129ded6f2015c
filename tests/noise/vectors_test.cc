// The project's packet vectors (tests/vectors/README.md), each with the one reason or identity it
// must give.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lib/noise/initiation.h"

namespace jitwg::noise {
namespace {

// By name, because the file's own "expect" is prose; nullopt is success.
const std::map<std::string, std::optional<HandshakeError>> kOutcomes = {
    {"derived-good", std::nullopt},
    {"forged-static-no-ss", HandshakeError::kBadTimestamp},
    {"mac1-bitflip", HandshakeError::kBadMac1},
    {"reserved-nonzero", HandshakeError::kBadType},
    {"static-bitflip-mac1-stale", HandshakeError::kBadMac1},
    {"static-bitflip-mac1-fixed", HandshakeError::kBadStatic},
    {"timestamp-bitflip-mac1-fixed", HandshakeError::kBadTimestamp},
    {"ephemeral-zero-point", HandshakeError::kBadEphemeral},
    {"mac2-garbage", std::nullopt},
    {"sender-index-changed-mac1-stale", HandshakeError::kBadMac1},
    {"sender-index-changed-mac1-fixed", std::nullopt},
    {"truncated-147", HandshakeError::kBadLength},
    {"trailing-149", HandshakeError::kBadLength},
    {"initiator-is-gateway-itself", std::nullopt}};

std::vector<nlohmann::json> Vectors() {
  std::ifstream file(JITWG_SOURCE_DIR "/tests/vectors/initiations.json");
  return nlohmann::json::parse(file).get<std::vector<nlohmann::json>>();
}

std::vector<std::uint8_t> PacketOf(const nlohmann::json& vector) {
  const auto hex = vector.at("packet").get<std::string>();
  std::vector<std::uint8_t> packet(hex.size() / 2);
  EXPECT_TRUE(FromHex(hex, packet));
  return packet;
}

Responder ResponderOf(const nlohmann::json& vector) {
  return Responder(*ParseSecretKey(vector.at("responder_private").get<std::string>()));
}

TEST(Vectors, EveryOneIsKnownHere) {
  const auto vectors = Vectors();
  EXPECT_EQ(vectors.size(), kOutcomes.size());
  for (const auto& vector : vectors) EXPECT_TRUE(kOutcomes.contains(vector.at("name")));
}

TEST(Vectors, EachGivesItsOutcome) {
  for (const auto& vector : Vectors()) {
    const std::string name = vector.at("name");
    SCOPED_TRACE(name);
    const auto result = ResponderOf(vector).ConsumeInitiation(PacketOf(vector));
    const auto expected = kOutcomes.at(name);
    EXPECT_EQ(result.has_value(), !expected.has_value());
    if (expected && !result) {
      EXPECT_EQ(ToString(result.error()), ToString(*expected));
    }
  }
}

TEST(Vectors, Mac1IsRightWhereTheVectorSaysSo) {
  for (const auto& vector : Vectors()) {
    if (!vector.contains("mac1_ok")) continue;
    EXPECT_EQ(ResponderOf(vector).CheckMac1(PacketOf(vector)).has_value(),
              vector.at("mac1_ok").get<bool>())
        << vector.at("name");
  }
}

TEST(Vectors, TheGoodOneGivesKeySenderAndTime) {
  const auto vector = Vectors().at(0);
  const auto result = ResponderOf(vector).ConsumeInitiation(PacketOf(vector));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->initiator.ToBase64(), vector.at("initiator"));
  EXPECT_EQ(result->sender_index, vector.at("sender_index"));
  EXPECT_EQ(ToHex(result->timestamp.bytes), vector.at("tai64n"));
  EXPECT_EQ(result->timestamp.UnixSeconds(), vector.at("unix_sec"));
  EXPECT_EQ(result->timestamp.Nanoseconds(), vector.at("nsec"));
}

TEST(Vectors, TheForgedOneClaimsAKeyItCannotProve) {
  const auto vector = Vectors().at(1);
  ASSERT_EQ(vector.at("name"), "forged-static-no-ss");
  const auto claimed = ResponderOf(vector).OpenStaticUnauthenticated(PacketOf(vector));
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(claimed->ToBase64(), vector.at("initiator"));
}

TEST(Vectors, TheGatewaysOwnKeyIsAuthentic) {
  const auto vector = Vectors().at(13);
  ASSERT_EQ(vector.at("name"), "initiator-is-gateway-itself");
  const Responder responder = ResponderOf(vector);
  const auto result = responder.ConsumeInitiation(PacketOf(vector));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->initiator, responder.public_key());
}

}  // namespace
}  // namespace jitwg::noise
