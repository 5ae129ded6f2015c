// A filter for tests in other languages: the first line of standard input is a private key in
// base64, each further one a packet in hexadecimal; for each it prints `ok KEY SENDER TAI64N` or
// `refused REASON`.
#include <iostream>
#include <string>
#include <vector>

#include "lib/noise/initiation.h"

namespace {

void PrintOutcome(const jitwg::noise::Responder& responder, const std::string& hex) {
  std::vector<std::uint8_t> packet(hex.size() / 2);
  if (!jitwg::FromHex(hex, packet)) {
    std::cout << "refused not_hexadecimal" << std::endl;
    return;
  }
  const auto result = responder.ConsumeInitiation(packet);
  if (!result) {
    std::cout << "refused " << ToString(result.error()) << std::endl;
    return;
  }
  std::cout << "ok " << result->initiator.ToBase64() << ' ' << result->sender_index << ' '
            << jitwg::ToHex(result->timestamp.bytes) << std::endl;
}

}  // namespace

int main() {
  std::string line;
  std::getline(std::cin, line);
  const auto key = jitwg::ParseSecretKey(line);
  jitwg::WipeString(line);
  if (!key) {
    std::cerr << key.error().message << '\n';
    return 2;
  }
  const jitwg::noise::Responder responder(*key);
  while (std::getline(std::cin, line)) PrintOutcome(responder, line);
  return 0;
}
