// The responder against valid and precisely broken initiations: which error each change of the
// packet must give.
#include "lib/noise/initiation.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "tests/support/initiator.h"

namespace jitwg::noise {
namespace {

using test::Initiator;
using test::KeyFromSeed;
using Outcome = std::optional<HandshakeError>;

const Tai64n kStamp = Tai64n::FromUnix(1'700'000'000, 123'456'789);

Outcome OutcomeOf(const tl::expected<Initiation, HandshakeError>& result) {
  return result ? Outcome() : Outcome(result.error());
}

class InitiationTest : public ::testing::Test {
 protected:
  Responder responder_{KeyFromSeed(1)};
  Initiator initiator_{2, responder_.public_key()};
};

TEST_F(InitiationTest, ValidPacketGivesWhatItsSenderPutIn) {
  for (int i = 0; i < 20; ++i) {
    const auto stamp = Tai64n::FromUnix(1'700'000'000 + i, 5);
    const auto packet = initiator_.Initiate(stamp);
    const auto result = responder_.ConsumeInitiation(packet);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->initiator, initiator_.public_key());
    EXPECT_EQ(result->timestamp, stamp);
    EXPECT_EQ(result->sender_index, initiator_.sender_index());
  }
}

TEST_F(InitiationTest, PublicKeyIsDerivedFromThePrivateOne) {
  EXPECT_EQ(responder_.public_key(), DerivePublicKey(KeyFromSeed(1)));
}

TEST_F(InitiationTest, MovedResponderStillWorks) {
  Responder moved(std::move(responder_));
  EXPECT_TRUE(moved.ConsumeInitiation(initiator_.Initiate(kStamp)).has_value());
  moved = Responder(KeyFromSeed(3));
  EXPECT_EQ(OutcomeOf(moved.ConsumeInitiation(initiator_.Initiate(kStamp))),
            HandshakeError::kBadMac1);
}

TEST_F(InitiationTest, EveryOtherLengthIsRefused) {
  auto packet = initiator_.Initiate(kStamp);
  std::vector<std::uint8_t> bytes(packet.begin(), packet.end());
  bytes.resize(1500);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    if (length == kInitiationSize) continue;
    // An exact copy, so that AddressSanitizer sees one byte too far.
    const std::vector<std::uint8_t> cut(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(length));
    ASSERT_EQ(OutcomeOf(responder_.ConsumeInitiation(cut)), HandshakeError::kBadLength) << length;
    ASSERT_EQ(responder_.CheckMac1(cut).error(), HandshakeError::kBadLength) << length;
    ASSERT_EQ(responder_.OpenStaticUnauthenticated(cut).error(), HandshakeError::kBadLength);
  }
}

// One row per field: what a flipped bit in it gives when mac1 was left as it was, and when it was
// computed anew.
struct Field {
  const char* name;
  std::size_t end;
  Outcome stale_mac1;
  Outcome fresh_mac1;
};

constexpr Field kFields[] = {
    {"type", 4, HandshakeError::kBadType, HandshakeError::kBadType},
    {"sender_index", 8, HandshakeError::kBadMac1, std::nullopt},
    {"unencrypted_ephemeral", 40, HandshakeError::kBadMac1, HandshakeError::kBadStatic},
    {"encrypted_static", 88, HandshakeError::kBadMac1, HandshakeError::kBadStatic},
    {"encrypted_timestamp", 116, HandshakeError::kBadMac1, HandshakeError::kBadTimestamp},
    // Computing mac1 anew undoes the flip.
    {"mac1", 132, HandshakeError::kBadMac1, std::nullopt},
    {"mac2", 148, std::nullopt, std::nullopt}};

const Field& FieldOf(std::size_t byte) {
  const Field* field = kFields;
  while (byte >= field->end) ++field;
  return *field;
}

TEST_F(InitiationTest, EverySingleBitFlipGivesItsOutcome) {
  const auto good = initiator_.Initiate(kStamp);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    const Field& field = FieldOf(bit / 8);
    auto packet = good;
    packet[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_EQ(OutcomeOf(responder_.ConsumeInitiation(packet)), field.stale_mac1)
        << field.name << ", bit " << bit << ", stale mac1";
    test::RecomputeMac1(packet, responder_.public_key());
    ASSERT_EQ(OutcomeOf(responder_.ConsumeInitiation(packet)), field.fresh_mac1)
        << field.name << ", bit " << bit << ", fresh mac1";
  }
}

TEST_F(InitiationTest, FlippedSenderIndexIsReadAsSent) {
  auto packet = initiator_.Initiate(kStamp);
  packet[7] ^= 0x80;
  test::RecomputeMac1(packet, responder_.public_key());
  const auto result = responder_.ConsumeInitiation(packet);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->sender_index, initiator_.sender_index() ^ 0x80000000U);
}

TEST_F(InitiationTest, ForgedStaticKeyIsNeverReturned) {
  const PublicKey victim = DerivePublicKey(KeyFromSeed(77));
  const auto packet = initiator_.Forge(victim, kStamp);
  EXPECT_TRUE(responder_.CheckMac1(packet).has_value());
  const auto claimed = responder_.OpenStaticUnauthenticated(packet);
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(*claimed, victim);
  EXPECT_EQ(OutcomeOf(responder_.ConsumeInitiation(packet)), HandshakeError::kBadTimestamp);
}

TEST_F(InitiationTest, PacketForAnotherResponderFailsAtEachStepWithoutMac1) {
  const Responder other(KeyFromSeed(9));
  auto packet = initiator_.Initiate(kStamp);
  EXPECT_EQ(OutcomeOf(other.ConsumeInitiation(packet)), HandshakeError::kBadMac1);
  test::RecomputeMac1(packet, other.public_key());
  EXPECT_TRUE(other.CheckMac1(packet).has_value());
  EXPECT_EQ(OutcomeOf(other.ConsumeInitiation(packet)), HandshakeError::kBadStatic);
  EXPECT_EQ(other.OpenStaticUnauthenticated(packet).error(), HandshakeError::kBadStatic);
}

TEST_F(InitiationTest, OwnKeyAsInitiatorIsAuthentic) {
  Initiator self(KeyFromSeed(1), responder_.public_key(), 5);
  const auto result = responder_.ConsumeInitiation(self.Initiate(kStamp));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->initiator, responder_.public_key());
}

TEST_F(InitiationTest, ConsumeCheckedLeavesMac1ToItsCaller) {
  auto packet = initiator_.Initiate(kStamp);
  packet[120] ^= 1;
  EXPECT_EQ(OutcomeOf(responder_.ConsumeInitiation(packet)), HandshakeError::kBadMac1);
  const auto result = responder_.ConsumeCheckedInitiation(packet);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->initiator, initiator_.public_key());
}

TEST_F(InitiationTest, GarbageStopsAtMac1) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    EXPECT_EQ(OutcomeOf(responder_.ConsumeInitiation(test::GarbageInitiation(seed))),
              HandshakeError::kBadMac1);
  }
}

TEST_F(InitiationTest, AnyTimestampBytesComeThroughUnchanged) {
  for (const int fill : {0x00, 0x7f, 0x80, 0xff}) {
    Tai64n stamp;
    stamp.bytes.fill(static_cast<std::uint8_t>(fill));
    const auto result = responder_.ConsumeInitiation(initiator_.Initiate(stamp));
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->timestamp, stamp);
  }
}

TEST(HandshakeErrorTest, LabelsAreDistinctAndLowerCase) {
  EXPECT_EQ(ToString(HandshakeError::kBadLength), "bad_length");
  EXPECT_EQ(ToString(HandshakeError::kBadType), "bad_type");
  EXPECT_EQ(ToString(HandshakeError::kBadMac1), "bad_mac1");
  EXPECT_EQ(ToString(HandshakeError::kBadEphemeral), "bad_ephemeral");
  EXPECT_EQ(ToString(HandshakeError::kBadStatic), "bad_static");
  EXPECT_EQ(ToString(HandshakeError::kBadStaticDh), "bad_static_dh");
  EXPECT_EQ(ToString(HandshakeError::kBadTimestamp), "bad_timestamp");
}

}  // namespace
}  // namespace jitwg::noise
