#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "lib/rpc/tls_files.h"
#include "tests/ctl/run_ctl.h"
#include "tests/rpc/temp_dir.h"

namespace jitwg::ctl {
namespace {

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CertsInit : public ::testing::Test {
 protected:
  Outcome Init(Arguments more = {}) {
    Arguments arguments{"certs", "init", folder_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunCtl(arguments);
  }
  rpc::TlsOptions FilesOf(const std::string& name) const {
    rpc::TlsOptions options;
    options.ca_file = folder_ + "/ca.pem";
    options.certificate_file = folder_ + "/" + name + ".pem";
    options.key_file = folder_ + "/" + name + ".key";
    return options;
  }

  const rpc::TempDir dir_;
  const std::string folder_ = dir_.File("certs");
};

TEST_F(CertsInit, MakesWhatThePartsNeedAndNobodyElseMayRead) {
  const Outcome made = Init({"--client", "operator,second"});
  ASSERT_EQ(made.code, kExitOk) << made.err;
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat facts {};
    ASSERT_EQ(::stat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, mode_t{0600}) << entry.path();
    names.insert(entry.path().filename().string());
  }
  EXPECT_EQ(names.size(), 10U) << made.out;
  for (const char* name : {"sniffer", "provisioner", "operator", "second"}) {
    const auto read = rpc::ReadTlsFiles(FilesOf(name));
    EXPECT_TRUE(read) << read.error().message;
  }
}

TEST_F(CertsInit, ReplacesNothingUnlessTold) {
  ASSERT_EQ(Init().code, kExitOk);
  const std::string authority = Contents(folder_ + "/ca.pem");
  const std::string sniffer = Contents(folder_ + "/sniffer.key");
  std::filesystem::remove(folder_ + "/ca.pem");
  const Outcome refused = Init();
  EXPECT_EQ(refused.code, kExitFailed);
  EXPECT_THAT(refused.err, HasSubstr("--overwrite"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/ca.pem")) << "something was written";
  EXPECT_EQ(Contents(folder_ + "/sniffer.key"), sniffer);
  ASSERT_EQ(Init({"--overwrite"}).code, kExitOk);
  EXPECT_NE(Contents(folder_ + "/ca.pem"), authority);
  EXPECT_NE(Contents(folder_ + "/sniffer.key"), sniffer);
}

TEST_F(CertsInit, RenewsUnderTheSameAuthority) {
  ASSERT_EQ(Init().code, kExitOk);
  const std::string authority = Contents(folder_ + "/ca.pem");
  const std::string sniffer = Contents(folder_ + "/sniffer.pem");
  const Outcome renewed = Init({"--renew", "--name", "gw2.example.org"});
  ASSERT_EQ(renewed.code, kExitOk) << renewed.err;
  EXPECT_EQ(Contents(folder_ + "/ca.pem"), authority);
  EXPECT_NE(Contents(folder_ + "/sniffer.pem"), sniffer);
  EXPECT_TRUE(rpc::ReadTlsFiles(FilesOf("sniffer")));
}

TEST_F(CertsInit, RefusesWhatCannotBe) {
  EXPECT_EQ(Init({"--days", "0"}).code, kExitUsage);
  EXPECT_EQ(Init({"--client", "../x"}).code, kExitUsage);
  EXPECT_EQ(Init({"--client", "sniffer"}).code, kExitUsage);
  EXPECT_THAT(Init({"--renew"}).err, HasSubstr("without --renew"));
  EXPECT_THAT(Init({"--name", "a b"}).err, HasSubstr("is no name for a certificate"));
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(CertsInit, TeachesByExample) {
  const Outcome help = RunCtl({"certs", "init", "--help"});
  EXPECT_EQ(help.code, kExitOk);
  EXPECT_THAT(help.out, HasSubstr("--tls-client-name provisioner,operator"));
}

TEST(TcpAddress, WithoutItsFilesIsRefusedInOneLine) {
  const Outcome asked = RunCtl({"peers", "--sniffer", "127.0.0.1:7000"});
  EXPECT_NE(asked.code, kExitOk);
  EXPECT_THAT(asked.err, HasSubstr("add --tls-ca, --tls-cert, --tls-key"));
}

}  // namespace
}  // namespace jitwg::ctl
