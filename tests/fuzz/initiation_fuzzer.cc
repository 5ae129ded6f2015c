// Any bytes as an initiation: no crash, and the responder's functions must not contradict one
// another. Each input is also tried cut or filled to 148 bytes with a right type and mac1, which a
// fuzzer would hardly find by itself.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "lib/noise/initiation.h"
#include "tests/support/initiator.h"

namespace {

using jitwg::noise::Responder;

// The responder of most packet vectors, which are this target's seeds: a vector's key and not a
// secret.
const Responder& TheResponder() {
  static const Responder responder(
      *jitwg::ParseSecretKey("cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs="));
  return responder;
}

void Require(bool condition) {
  if (!condition) std::abort();
}

void Check(std::span<const std::uint8_t> packet) {
  const Responder& responder = TheResponder();
  const auto addressed = responder.CheckMac1(packet);
  const auto claimed = responder.OpenStaticUnauthenticated(packet);
  const auto result = responder.ConsumeInitiation(packet);
  if (!addressed) Require(!result && result.error() == addressed.error());
  if (result) {
    Require(addressed && claimed && *claimed == result->initiator);
    Require(!result->initiator.IsZero());
  }
  if (addressed && !claimed) Require(!result && result.error() == claimed.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> input(data, size);
  Check(input);
  jitwg::test::InitiationPacket packet{};
  std::copy_n(input.begin(), std::min(size, packet.size()), packet.begin());
  std::copy_n("\x01\0\0", 4, packet.begin());
  jitwg::test::RecomputeMac1(packet, TheResponder().public_key());
  Check(packet);
  return 0;
}
