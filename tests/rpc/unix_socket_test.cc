#include "lib/rpc/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "tests/rpc/temp_dir.h"

namespace jitwg::rpc {
namespace {

int BindSocket(const std::string& path, bool listen) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  if (listen) {
    EXPECT_EQ(::listen(fd, 1), 0);
  }
  return fd;
}

TEST(UnixSocket, AddressesWithAndWithoutSchemeAreTheSamePath) {
  for (const char* text : {"unix:/run/a.sock", "/run/a.sock", "unix:///run/a.sock"}) {
    EXPECT_EQ(ParseUnixAddress(text).value(), "/run/a.sock") << text;
  }
}

TEST(UnixSocket, RelativeEmptyLongAndTcpAddressesAreRefused) {
  for (const std::string& text : {std::string(), std::string("unix:"), std::string("run/a.sock"),
                                  std::string("tcp:127.0.0.1:1"), "/" + std::string(200, 'a')}) {
    EXPECT_FALSE(ParseUnixAddress(text)) << text;
  }
}

TEST(UnixSocket, ModesAreOctal) {
  EXPECT_EQ(ParseMode("0660").value(), static_cast<mode_t>(0660));
  EXPECT_EQ(ParseMode("600").value(), static_cast<mode_t>(0600));
  for (const char* text : {"", "66", "0888", "1777", "rw-rw----", "066x"}) {
    EXPECT_FALSE(ParseMode(text)) << text;
  }
}

TEST(UnixSocket, AFreePathCanBeClaimed) {
  const TempDir dir;
  EXPECT_TRUE(ClaimSocketPath(dir.File("free.sock")));
}

TEST(UnixSocket, ALiveSocketIsNotTaken) {
  const TempDir dir;
  const int fd = BindSocket(dir.File("live.sock"), true);
  const Status claimed = ClaimSocketPath(dir.File("live.sock"));
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::kAlreadyExists);
  ::close(fd);
}

TEST(UnixSocket, ADeadSocketIsRemoved) {
  const TempDir dir;
  const std::string path = dir.File("dead.sock");
  ::close(BindSocket(path, true));
  EXPECT_TRUE(ClaimSocketPath(path));
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(UnixSocket, AFileThatIsNoSocketIsLeftAlone) {
  const TempDir dir;
  const std::string path = dir.File("file");
  std::ofstream(path) << "precious";
  EXPECT_FALSE(ClaimSocketPath(path));
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(UnixSocket, ModeIsSetAndAnUnknownGroupIsNamed) {
  const TempDir dir;
  const std::string path = dir.File("s.sock");
  const int fd = BindSocket(path, true);
  ASSERT_TRUE(ApplySocketAccess(path, {0640, ""}));
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, static_cast<mode_t>(0640));
  const Status unknown = ApplySocketAccess(path, {0640, "no-such-group"});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no-such-group"), std::string::npos);
  ::close(fd);
}

}  // namespace
}  // namespace jitwg::rpc
