#include "ctl/gateway/userspace.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "lib/base/config_values.h"
#include "sniffer/install/uapi_device.h"

namespace jitwg::ctl {
namespace {

constexpr std::chrono::seconds kPatience(10);
constexpr std::chrono::milliseconds kBetweenLooks(20);

constexpr std::size_t kMostWords = 4096;

// Standard output and error of the child. It closes them when it goes into the background.
class Words {
 public:
  Words() {
    if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) ends_ = {-1, -1};
    ::posix_spawn_file_actions_init(&actions_);
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
      ::posix_spawn_file_actions_adddup2(&actions_, ends_[1], descriptor);
    }
  }
  ~Words() {
    ::posix_spawn_file_actions_destroy(&actions_);
    for (const int end : ends_) ::close(end);
  }
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }

  // The last line that is no part of a drawn box: wireguard-go prints advice in one.
  std::string LastLine() const {
    std::array<char, kMostWords> buffer{};
    const ssize_t size = ::read(ends_[0], buffer.data(), buffer.size());
    std::istringstream text(std::string(buffer.data(), size > 0 ? std::size_t(size) : 0));
    std::string last;
    for (std::string line; std::getline(text, line);) {
      if (!line.empty() && line[0] != '\xe2') last = line;
    }
    return last;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
  posix_spawn_file_actions_t actions_{};
};

// The environment of this process without its own options: the child needs none of them.
std::vector<char*> ChildEnvironment() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).substr(0, 6) != "JITWG_") variables.push_back(*variable);
  }
  variables.push_back(nullptr);
  return variables;
}

Result<pid_t> Spawn(std::string program, std::string interface, const Words& words) {
  const std::vector<char*> environment = ChildEnvironment();
  std::array<char*, 3> arguments{program.data(), interface.data(), nullptr};
  pid_t child = -1;
  const int error = ::posix_spawnp(&child, program.c_str(), words.actions(), nullptr,
                                   arguments.data(), environment.data());
  if (error == 0) return child;
  return ErrnoError("cannot start " + program +
                        ", the userspace WireGuard (install wireguard-go, or name another by "
                        "--userspace-program)",
                    error);
}

}  // namespace

Status StartUserspace(const std::string& program, const std::string& interface) {
  const Words words;
  const auto child = Spawn(program, interface, words);
  if (!child) return child.error();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const sniffer::UapiDevice device;
  bool ended = false;
  while (std::chrono::steady_clock::now() < deadline) {
    int status = 0;
    if (!ended && ::waitpid(*child, &status, WNOHANG) == *child) {
      ended = true;
      if (status != 0) break;
    }
    if (ended && device.IsAlive(interface)) return {};
    std::this_thread::sleep_for(kBetweenLooks);
  }
  const std::string said = words.LastLine();
  return Error{ErrorCode::kFailedPrecondition,
               program + " made no interface '" + interface +
                   "'; it needs /dev/net/tun and CAP_NET_ADMIN" +
                   (said.empty() ? "" : "; it said: " + Quoted(said))};
}

}  // namespace jitwg::ctl
