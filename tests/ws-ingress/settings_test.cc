#include "ws-ingress/settings.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "ws-ingress/counters.h"

namespace jitwg::ingress {
namespace {

struct Read {
  std::variant<Settings, int> outcome;
  std::string complaints;
};

Read With(std::vector<const char*> flags) {
  flags.insert(flags.begin(), "jitwg-ws-ingress");
  std::ostringstream out;
  std::ostringstream err;
  auto outcome = ReadSettings(static_cast<int>(flags.size()), flags.data(), out, err);
  return {std::move(outcome), err.str()};
}

Settings Good(const std::vector<const char*>& flags) {
  const Read read = With(flags);
  EXPECT_TRUE(std::holds_alternative<Settings>(read.outcome)) << read.complaints;
  return std::get<Settings>(read.outcome);
}

void ExpectRefusal(const std::vector<const char*>& flags, const std::string& part) {
  const Read read = With(flags);
  ASSERT_TRUE(std::holds_alternative<int>(read.outcome)) << part;
  EXPECT_EQ(std::get<int>(read.outcome), 2);
  EXPECT_NE(read.complaints.find(part), std::string::npos) << read.complaints;
}

TEST(IngressSettings, SpeakFromLoopbackAddressesByDefault) {
  const Settings settings = Good({"--listen", "127.0.0.1:0,[::1]:443", "--plain"});
  EXPECT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.listen[1].ToString(), "[::1]:443");
  EXPECT_EQ(settings.target.ToString(), "127.0.0.1:51820");
  ASSERT_TRUE(settings.source_prefix);
  EXPECT_EQ(settings.source_prefix->ToString(), "127.64.0.0/10");
}

TEST(IngressSettings, TakeNoneAsASourcePrefix) {
  EXPECT_FALSE(
      Good({"--listen", "127.0.0.1:0", "--plain", "--source-prefix", "none"}).source_prefix);
}

TEST(IngressSettings, WantTlsUnlessPlainIsAskedFor) {
  ExpectRefusal({"--listen", "127.0.0.1:0"}, "tls-cert");
  ExpectRefusal({"--listen", "127.0.0.1:0", "--tls-cert", "c.pem"}, "tls-key");
  ExpectRefusal({"--listen", "127.0.0.1:0", "--plain", "--tls-cert", "c.pem"}, "plain");
  EXPECT_EQ(Good({"--listen", "[::]:443", "--tls-cert", "c", "--tls-key", "k"}).tls_key, "k");
}

TEST(IngressSettings, RefuseWhatCannotWork) {
  ExpectRefusal({"--plain"}, "listen");
  ExpectRefusal({"--plain", "--listen", "localhost:80"}, "localhost:80");
  ExpectRefusal({"--plain", "--listen", "::1:80"}, "::1:80");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--target", "[::1]:51820"}, "source-prefix");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--target", "127.0.0.1:0"}, "target");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--source-prefix", "127.0.0.0/30"}, "/24");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--source-prefix", "fd00::/48"}, "family");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--path", "vpn"}, "path");
  ExpectRefusal({"--plain", "--listen", "127.0.0.1:0", "--max-connections", "0"},
                "max-connections");
}

TEST(Counters, AreShownByNameWhenTheyAreNotZero) {
  Counters counters;
  EXPECT_EQ(counters.ToString(), "");
  counters.Add(Count::kAccepted, 3);
  counters.Add(Count::kSourceFailed);
  counters.Add(ws::Fault::kMagicWrong);
  EXPECT_EQ(counters.ToString(), "accepted=3 source_failed=1 fault_magic_wrong=1");
}

}  // namespace
}  // namespace jitwg::ingress
