// Any bytes as an initiation: no crash, and the responder's functions must not contradict one
// another. Each input is also tried cut or filled to 148 bytes with a right type and mac1, which a
// fuzzer would hardly find by itself. A short one is a recipe instead: for an initiation that must
// be taken, and for forgeries that must not.
#include <algorithm>
#include <optional>

#include "lib/noise/initiation.h"
#include "tests/fuzz/input.h"
#include "tests/support/initiator.h"

namespace {

using jitwg::noise::Responder;
using jitwg::test::Require;

// The responder of most packet vectors, which are this target's seeds: a vector's key and not a
// secret.
const Responder& TheResponder() {
  static const Responder responder(
      *jitwg::ParseSecretKey("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="));
  return responder;
}

void Check(std::span<const std::uint8_t> packet) {
  const Responder& responder = TheResponder();
  const auto addressed = responder.CheckMac1(packet);
  const auto claimed = responder.OpenStaticUnauthenticated(packet);
  const auto result = responder.ConsumeInitiation(packet);
  if (!addressed) Require(!result && result.error() == addressed.error());
  if (!result) Require(ToString(result.error()) != "unknown");
  if (result) {
    Require(addressed && claimed && *claimed == result->initiator);
    Require(!result->initiator.IsZero());
  }
  if (addressed && !claimed) Require(!result && result.error() == claimed.error());
}

constexpr std::size_t kLongestRecipe = 64;

void Cook(std::span<const std::uint8_t> recipe) {
  jitwg::test::Input input(recipe);
  const Responder& responder = TheResponder();
  const std::uint8_t shape = input.Byte();
  jitwg::test::Initiator initiator(input.Byte(), responder.public_key());
  jitwg::Tai64n stamp;
  for (std::uint8_t& byte : stamp.bytes) byte = input.Byte();
  jitwg::PublicKey point;
  for (std::uint8_t& byte : point.bytes) byte = input.Byte();
  if (shape % 3 == 0) {
    const auto packet = initiator.Initiate(stamp);
    Check(packet);
    const auto result = responder.ConsumeInitiation(packet);
    Require(result && result->initiator == initiator.public_key() && result->timestamp == stamp);
    Require(result->sender_index == initiator.sender_index());
    return;
  }
  const auto packet =
      shape % 3 == 1 ? initiator.Forge(point, stamp) : initiator.InitiateFromPoint(point, stamp);
  Check(packet);
  Require(!responder.ConsumeInitiation(packet));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input(data, size);
  Check(input);
  if (size > 0 && size <= kLongestRecipe) {
    Cook(input);
    return 0;
  }
  jitwg::test::InitiationPacket packet{};
  std::copy_n(input.begin(), std::min(size, packet.size()), packet.begin());
  std::copy_n("\x01\0\0", 4, packet.begin());
  jitwg::test::RecomputeMac1(packet, TheResponder().public_key());
  Check(packet);
  return 0;
}
