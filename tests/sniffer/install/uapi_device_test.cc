// UapiDevice against another side that is silent, rude or gone. The real one is in the contract
// test.
#include "sniffer/install/uapi_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/sniffer/install/contract_harness.h"
#include "tests/sniffer/install/temp_folder.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::Creation;
using jitwg::testing::TempFolder;

// Listens at FOLDER/lo.sock ("lo" is an interface everywhere), answers every connection with the
// same text.
class Listener {
 public:
  Listener(const std::string& path, std::string answer) : answer_(std::move(answer)) {
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    thread_ = std::jthread([this] { Serve(); });
  }
  ~Listener() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

 private:
  void Serve() {
    for (int client; (client = ::accept(socket_, nullptr, nullptr)) >= 0;) {
      std::string request;
      char byte = 0;
      while (request.find("\n\n") == std::string::npos && ::recv(client, &byte, 1, 0) == 1) {
        request += byte;
      }
      ::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      ::close(client);
    }
  }
  std::string answer_;
  int socket_ = -1;
  std::jthread thread_;
};

class UapiDeviceTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  UapiDevice device_{std::filesystem::path(folder_ / "x").parent_path().string()};
  std::string path_ = folder_ / "lo.sock";
  std::vector<PeerChange> changes_ = [] {
    std::vector<PeerChange> changes;
    changes.push_back(Creation(1, {"10.8.0.2/32"}));
    return changes;
  }();
};

TEST_F(UapiDeviceTest, NoSocketIsNoUserspaceInterface) {
  EXPECT_FALSE(device_.IsAlive("lo"));
  EXPECT_EQ(device_.GetDevice("lo").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(device_.GetDevice("jw-none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(device_.Apply({"lo", 0}, changes_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(UapiDeviceTest, ADeadSocketIsNoUserspaceInterface) {
  { const Listener listener(path_, ""); }
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_FALSE(device_.IsAlive("lo"));
  EXPECT_EQ(device_.DumpPeers("lo").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(UapiDeviceTest, APathThatIsTooLongIsNoUserspaceInterface) {
  UapiDevice deep("/" + std::string(200, 'd'));
  EXPECT_EQ(deep.GetDevice("lo").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(UapiDeviceTest, HangingUpInTheMiddleIsUnavailable) {
  const Listener listener(path_, "listen_port=5\n");
  EXPECT_TRUE(device_.IsAlive("lo"));
  EXPECT_EQ(device_.GetDevice("lo").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(device_.DumpPeers("lo").error().code, ErrorCode::kUnavailable);
}

TEST_F(UapiDeviceTest, NonsenseIsDataLoss) {
  const Listener listener(path_, "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(device_.DumpPeers("lo").error().code, ErrorCode::kDataLoss);
}

TEST_F(UapiDeviceTest, ItsErrnoIsTyped) {
  const Listener listener(path_, "errno=-22\n\n");
  EXPECT_EQ(device_.DumpPeers("lo").error().code, ErrorCode::kInvalidArgument);
  // A creation would be in doubt: its clearing away gets the same answer.
  changes_[0].kind = PeerChange::Kind::kUpdate;
  const auto results = device_.Apply({"lo", 0}, changes_);
  ASSERT_TRUE(results);
  EXPECT_EQ((*results)[0].error().code, ErrorCode::kInvalidArgument);
}

TEST_F(UapiDeviceTest, AChangeWithoutAnAnswerIsOfUnknownFate) {
  const Listener listener(path_, "");
  const auto results = device_.Apply({"lo", 0}, changes_);
  ASSERT_TRUE(results);
  EXPECT_EQ((*results)[0].error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace jitwg::sniffer
