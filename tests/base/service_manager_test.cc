// systemd played by a datagram socket, and servers that answer, hang, or are not there.
#include "lib/base/service_manager.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/self_probe.h"
#include "lib/base/signals.h"

namespace jitwg {
namespace {

using std::chrono::milliseconds;
using Messages = std::vector<std::string>;

class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jitwg-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    notified_ = Bind(SOCK_DGRAM | SOCK_NONBLOCK, File("notify"));
    server_ = Bind(SOCK_STREAM, File("server"));
    ::setenv("NOTIFY_SOCKET", File("notify").c_str(), 1);
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }
  ~ServiceManagerTest() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::close(notified_);
    ::close(server_);
    std::filesystem::remove_all(folder_);
  }

  std::string File(const std::string& name) const { return folder_ + "/" + name; }

  static int Bind(int type, const std::string& path) {
    const int socket = ::socket(AF_UNIX, type, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return socket;
  }

  Messages Told() const {
    Messages messages;
    std::array<char, 256> buffer{};
    for (;;) {
      const ssize_t length = ::recv(notified_, buffer.data(), buffer.size(), 0);
      if (length < 0) return messages;
      messages.emplace_back(buffer.data(), static_cast<std::size_t>(length));
    }
  }

  std::string folder_;
  int notified_ = -1;
  int server_ = -1;
};

TEST_F(ServiceManagerTest, TellsThatItServesAndThatItStops) {
  BlockTerminationSignals();
  ::raise(SIGTERM);
  EXPECT_EQ(ServeUntilSignal([](milliseconds) { return true; }), SIGTERM);
  EXPECT_EQ(Told(), (Messages{"READY=1", "STOPPING=1"}));
}

TEST_F(ServiceManagerTest, TellsThatItIsAliveForAsLongAsItIs) {
  ::setenv("WATCHDOG_USEC", "4000", 1);
  BlockTerminationSignals();
  int asked = 0;
  const int signal = ServeUntilSignal([&asked](milliseconds) {
    if (++asked == 4) ::raise(SIGINT);
    return asked != 2;  // ill once
  });
  EXPECT_EQ(signal, SIGINT);
  EXPECT_EQ(Told(), (Messages{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"}));
}

TEST_F(ServiceManagerTest, BeatsOnceInAPeriodHoweverOftenItIsCalled) {
  ::setenv("WATCHDOG_USEC", "3600000000", 1);
  ServiceManager manager([](milliseconds deadline) { return deadline > milliseconds(0); });
  EXPECT_EQ(manager.period(), std::chrono::minutes(30));
  for (int i = 0; i < 5; ++i) manager.Beat();
  EXPECT_EQ(Told(), Messages{"WATCHDOG=1"});
}

TEST_F(ServiceManagerTest, AnotherProcessesWatchdogIsNotItsOwn) {
  ::setenv("WATCHDOG_USEC", "4000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager([](milliseconds) { return true; }).period(), milliseconds(0));
}

TEST_F(ServiceManagerTest, WithoutSystemdNothingIsToldAndNobodyIsAsked) {
  ::unsetenv("NOTIFY_SOCKET");
  BlockTerminationSignals();
  ::raise(SIGTERM);
  EXPECT_EQ(ServeUntilSignal([](milliseconds) -> bool { throw "asked"; }), SIGTERM);
  EXPECT_TRUE(Told().empty());
}

TEST_F(ServiceManagerTest, AServerThatServesAnswers) {
  ASSERT_EQ(::listen(server_, 4), 0);
  std::thread serving([this] {
    const int client = ::accept(server_, nullptr, nullptr);
    char byte = 0;
    EXPECT_EQ(::read(client, &byte, 1), 0);  // the client ended its side
    ::close(client);
  });
  EXPECT_TRUE(AnswersAt("unix:" + File("server"))(std::chrono::minutes(1)));
  serving.join();
}

TEST_F(ServiceManagerTest, AServerThatHangsOrIsNotThereDoesNot) {
  EXPECT_FALSE(AnswersAt(File("server"))(milliseconds(20)));  // bound, but nobody listens
  ASSERT_EQ(::listen(server_, 4), 0);
  EXPECT_FALSE(AnswersAt(File("server"))(milliseconds(20)));  // nobody accepts
  EXPECT_FALSE(AnswersAt(File("absent"))(milliseconds(20)));
}

TEST_F(ServiceManagerTest, AnAddressOfAnyHostMeansThisOne) {
  const int server = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ASSERT_EQ(::bind(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(server, 4), 0);
  socklen_t size = sizeof(address);
  ::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
  std::thread serving([server] {
    const int client = ::accept(server, nullptr, nullptr);
    EXPECT_EQ(::write(client, "hello", 5), 5);
    ::close(client);
  });
  const std::string where = "0.0.0.0:" + std::to_string(ntohs(address.sin_port));
  EXPECT_TRUE(AnswersAt(where)(std::chrono::minutes(1)));
  serving.join();
  ::close(server);
}

TEST(SelfProbeTest, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "nothing", "unix:relative", "127.0.0.1"}) {
    EXPECT_FALSE(SelfProbe::At(text)) << text;
  }
  EXPECT_FALSE(SelfProbe::At("/" + std::string(200, 'x')));
  EXPECT_TRUE(SelfProbe::At("tcp:[::1]:7000"));
}

}  // namespace
}  // namespace jitwg
