// What is refused before anything is served or called: missing options, files that are no good or
// not safe, directories that others may write.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/rpc/address.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "lib/rpc/tls_names.h"
#include "tests/rpc/test_certificates.h"

namespace jitwg::rpc {
namespace {

TEST(Address, IsASocketOrAHostAndAPort) {
  EXPECT_EQ(ParseAddress("/run/a.sock").value().ToString(), "unix:/run/a.sock");
  EXPECT_EQ(ParseAddress("tcp:gw1.example.org:7000").value().ToString(), "gw1.example.org:7000");
  EXPECT_EQ(ParseAddress("10.0.0.1:0").value().ToString(), "10.0.0.1:0");
  EXPECT_EQ(ParseAddress("[fd00::1]:7000").value().host, "fd00::1");
  for (const char* text : {"", "host", "host:", ":7000", "host:65536", "host:7x", "fd00::1:7000",
                           "[10.0.0.1]:1", "[fd00::1", "a b:1", "-x:1", "unix:relative"}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
}

TEST(CertificateNames, AreComparedByTheirKind) {
  const CertificateNames names{{"GW1.example.org"}, {"spiffe://test/a"}, {"fd00:0::1"}};
  for (const char* wanted : {"gw1.EXAMPLE.org", "spiffe://test/a", "fd00::1"}) {
    EXPECT_TRUE(IsNamed(names, wanted)) << wanted;
  }
  for (const char* wanted : {"", "example.org", "*.example.org", "gw1.example.org.",
                             "spiffe://test/A", "spiffe://test/ab", "fd00::2", "10.0.0.1"}) {
    EXPECT_FALSE(IsNamed(names, wanted)) << wanted;
  }
  EXPECT_FALSE(IsNamedAny(names, {}));
  const CertificateNames wild{{"*.example.org"}, {}, {}};
  EXPECT_FALSE(IsNamed(wild, "gw1.example.org"));
}

TEST(TlsStart, TcpWithoutMutualTlsIsRefusedAndTheMissingIsNamed) {
  const auto server = Server::Start(ServeAt("127.0.0.1:0", {}, {}).value(), {});
  ASSERT_FALSE(server);
  for (const char* flag : {"--tls-ca", "--tls-cert", "--tls-key", "--tls-client-name"}) {
    EXPECT_NE(server.error().message.find(flag), std::string::npos) << flag;
  }
  TlsOptions some;
  some.ca_file = "/ca.pem";
  const auto channel = MakeChannel("127.0.0.1:7000", some);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().message.find("--tls-ca"), std::string::npos);
  EXPECT_NE(channel.error().message.find("--tls-cert, --tls-key"), std::string::npos);
}

class TlsFiles : public ::testing::Test {
 protected:
  void ExpectRefused(const std::string& why) {
    const auto read = ReadTlsFiles(tls_);
    ASSERT_FALSE(read) << why;
    EXPECT_NE(read.error().message.find(why), std::string::npos) << read.error().message;
  }

  const TempDir dir_;
  const TestAuthority authority_;
  TlsOptions tls_ = authority_.Files(dir_, "own", {"sniffer"});
};

TEST_F(TlsFiles, AKeyThatOthersMayReadIsRefused) {
  ASSERT_TRUE(ReadTlsFiles(tls_));
  for (const mode_t mode : {0604U, 0602U, 0620U}) {
    ::chmod(tls_.key_file.c_str(), mode);
    ExpectRefused("may be read or changed by others");
  }
  // A group may read a key of root's, or nobody could be given one.
  ::chmod(tls_.key_file.c_str(), 0640);
  EXPECT_EQ(ReadTlsFiles(tls_).has_value(), ::geteuid() == 0);
}

TEST_F(TlsFiles, AKeyOfAnotherCertificateIsRefused) {
  WriteFile(tls_.key_file, authority_.Leaf({"sniffer"}).key);
  ExpectRefused("is not that of the certificate");
}

TEST_F(TlsFiles, ACertificateThatIsOverOrNotYetIsRefused) {
  auto leaf = authority_.Leaf({"sniffer"}, LongOver());
  WriteFile(tls_.certificate_file, leaf.certificate);
  WriteFile(tls_.key_file, leaf.key);
  ExpectRefused("has expired");
  leaf = authority_.Leaf({"sniffer"}, {.starts_in = std::chrono::hours(24)});
  WriteFile(tls_.certificate_file, leaf.certificate);
  WriteFile(tls_.key_file, leaf.key);
  ExpectRefused("not valid yet");
}

TEST_F(TlsFiles, WhatIsNoPemOrNotThereIsRefused) {
  WriteFile(tls_.ca_file, "hello");
  ExpectRefused("holds no certificate");
  ::unlink(tls_.ca_file.c_str());
  ExpectRefused("cannot open the TLS file " + tls_.ca_file);
}

TEST(SocketDirectory, ThatAnyoneMayWriteIsRefused) {
  const TempDir dir;
  const std::string inner = dir.File("run");
  ::mkdir(inner.c_str(), 0700);
  EXPECT_TRUE(CheckSocketDirectory(inner + "/s.sock"));
  for (const mode_t mode : {0777U, 01777U, 0707U}) {
    ::chmod(inner.c_str(), mode);
    const auto server = Server::Start({inner + "/s.sock", {}, 4 << 20}, {});
    ASSERT_FALSE(server) << mode;
    EXPECT_EQ(server.error().code, ErrorCode::kPermissionDenied);
    EXPECT_NE(server.error().message.find(inner), std::string::npos) << server.error().message;
    // While the server is away, a caller would tell its secrets to a socket of anybody's.
    const auto channel = MakeChannel("unix:" + inner + "/s.sock");
    ASSERT_FALSE(channel) << mode;
    EXPECT_EQ(channel.error().code, ErrorCode::kPermissionDenied);
  }
}

TEST(SocketDirectory, AboveMustNotLetAnyoneReplaceTheInnerOne) {
  const TempDir dir;
  const std::string outer = dir.File("outer");
  ::mkdir(outer.c_str(), 0700);
  ::mkdir((outer + "/run").c_str(), 0700);
  ::chmod(outer.c_str(), 0777);
  EXPECT_FALSE(CheckSocketDirectory(outer + "/run/s.sock"));
  ::chmod(outer.c_str(), 01777);
  EXPECT_TRUE(CheckSocketDirectory(outer + "/run/s.sock"));
}

}  // namespace
}  // namespace jitwg::rpc
