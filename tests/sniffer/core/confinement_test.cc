#include "sniffer/confinement.h"

#include <gtest/gtest.h>

#include <sstream>

namespace jitwg::sniffer {
namespace {

TEST(NeededCapabilities, AreBothUnlessTheKernelsQueueIsTheOneSource) {
  SnifferOptions options;
  for (const char* completion : {"auto", "reinject", "initiate", "retry"}) {
    options.completion = completion;
    EXPECT_EQ(NeededCapabilities(options), sandbox::kNetAdmin | sandbox::kNetRaw) << completion;
  }
  options.completion = "hold";
  EXPECT_EQ(NeededCapabilities(options), sandbox::kNetAdmin);
  options.outbound = true;  // its taps are packet sockets
  EXPECT_EQ(NeededCapabilities(options), sandbox::kNetAdmin | sandbox::kNetRaw);
}

TEST(SnifferOnTcp, NeedsAllOfMutualTls) {
  const auto parse = [](std::vector<const char*> more, std::string& told) {
    std::vector<const char*> words{"jitwg-sniffer", "--interface",     "wg0",
                                   "--allow",       "wg0=10.8.0.0/16", "--listen",
                                   "10.0.0.1:7000", "--check-config"};
    words.insert(words.end(), more.begin(), more.end());
    SnifferOptions options;
    std::ostringstream out;
    std::ostringstream err;
    const auto code = ParseOptions(static_cast<int>(words.size()), words.data(), options, out, err);
    told = err.str();
    return code.value_or(-1);
  };
  std::string told;
  EXPECT_EQ(parse({"--tls-ca", "/a", "--tls-cert", "/b"}, told), 2);
  EXPECT_NE(told.find("add --tls-key, --tls-client-name"), std::string::npos) << told;
  EXPECT_EQ(parse({"--tls-ca", "/a", "--tls-cert", "/b", "--tls-key", "/c", "--tls-client-name",
                   "provisioner"},
                  told),
            0)
      << told;
}

}  // namespace
}  // namespace jitwg::sniffer
