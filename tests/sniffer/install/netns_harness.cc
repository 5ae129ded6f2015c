// See netns_harness.h.
#include "tests/sniffer/install/netns_harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <utility>

namespace jitwg::testing {
namespace {

using std::chrono::steady_clock;

[[noreturn]] void Become(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

std::string ReadAll(int descriptor) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t size; (size = ::read(descriptor, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(size));
  }
  return text;
}

bool Run(const std::vector<std::string>& arguments, const std::string& input = "") {
  if (RunProgram(arguments, input)) return true;
  std::string line;
  for (const std::string& argument : arguments) line += argument + " ";
  std::fprintf(stderr, "failed: %s\n", line.c_str());
  return false;
}

bool Accepts(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int attempt = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool accepted =
      ::connect(attempt, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(attempt);
  return accepted;
}

// Until the socket accepts, `daemon` has ended or a minute is over. Not by wg(8), which removes a
// socket that nobody listens on yet.
bool AwaitSocket(const std::string& path, pid_t& daemon) {
  const auto deadline = steady_clock::now() + std::chrono::minutes(1);
  while (steady_clock::now() < deadline) {
    if (Accepts(path)) return true;
    int status = 0;
    if (::waitpid(daemon, &status, WNOHANG) == daemon) {
      std::fprintf(stderr, "the daemon ended: wait status %d\n", status);
      daemon = -1;
      return false;
    }
    ::poll(nullptr, 0, 5);
  }
  std::fprintf(stderr, "nobody listens on %s\n", path.c_str());
  return false;
}

}  // namespace

std::optional<std::string> RunProgram(const std::vector<std::string>& arguments,
                                      const std::string& input) {
  int in[2];
  int out[2];
  if (::pipe(in) != 0 || ::pipe(out) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    for (const int descriptor : {in[0], in[1], out[0], out[1]}) ::close(descriptor);
    Become(arguments);
  }
  ::close(in[0]);
  ::close(out[1]);
  const bool written =
      ::write(in[1], input.data(), input.size()) == static_cast<ssize_t>(input.size());
  ::close(in[1]);
  std::string output = ReadAll(out[0]);
  ::close(out[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  if (!written || status != 0) return std::nullopt;
  return output;
}

NetnsHarness::NetnsHarness(std::unique_ptr<sniffer::WireGuardDevice> device)
    : device_(std::move(device)), key_(GeneratePrivateKey()) {
  static std::atomic<unsigned> counter{0};
  name_ = "jw" + std::to_string(::getpid()) + "x" + std::to_string(++counter);
}

std::unique_ptr<NetnsHarness> NetnsHarness::Make(Kind kind,
                                                 std::unique_ptr<sniffer::WireGuardDevice> device) {
  std::unique_ptr<NetnsHarness> harness(new NetnsHarness(std::move(device)));
  if (!harness->SetUp(kind)) return nullptr;
  return harness;
}

bool NetnsHarness::SetUp(Kind kind) {
  if (::unshare(CLONE_NEWNET) != 0) {
    std::fprintf(stderr, "cannot make a network namespace (run as root): %s\n",
                 std::strerror(errno));
    return false;
  }
  // wg(8) takes any interface with a socket in /run/wireguard for a userspace one.
  if (!Run({"ip", "link", "set", "lo", "up"})) return false;
  const bool made = kind == Kind::kUserspace
                        ? StartUserspace()
                        : Run({"ip", "link", "add", name_, "type", "wireguard"});
  return made && SetKey() && Run({"ip", "link", "set", name_, "up"}) && OpenSink();
}

bool NetnsHarness::StartUserspace() {
  daemon_ = ::fork();
  if (daemon_ == 0) {
    ::setenv("LOG_LEVEL", "error", 1);
    ::setenv("WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD", "1", 1);  // or it prints a box
    // It says what is wrong with it on standard output, and must not outlive this program, for
    // whose pipe ctest waits.
    ::dup2(2, 1);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    Become({"wireguard-go", "-f", name_});
  }
  return AwaitSocket("/run/wireguard/" + name_ + ".sock", daemon_);
}

bool NetnsHarness::SetKey() {
  std::string text = SecretToBase64(key_);
  const bool done = Run({"wg", "set", name_, "listen-port", std::to_string(listen_port()),
                         "private-key", "/dev/stdin"},
                        text);
  WipeString(text);
  return done;
}

bool NetnsHarness::OpenSink() {
  sink_socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(sink_socket_, generic, size) != 0) return false;
  if (::getsockname(sink_socket_, generic, &size) != 0) return false;
  sink_ = {*IpAddress::Parse("127.0.0.1"), ntohs(address.sin_port), 0};
  return true;
}

NetnsHarness::~NetnsHarness() {
  if (sink_socket_ >= 0) ::close(sink_socket_);
  if (daemon_ > 0) {
    ::kill(daemon_, SIGTERM);
    ::waitpid(daemon_, nullptr, 0);
  } else {
    RunProgram({"ip", "link", "del", name_});
  }
}

bool NetnsHarness::SawInitiation(const PublicKey&) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < deadline) {
    pollfd ready{sink_socket_, POLLIN, 0};
    if (::poll(&ready, 1, 1000) <= 0) continue;
    std::array<std::uint8_t, 2048> packet{};
    const ssize_t size = ::recv(sink_socket_, packet.data(), packet.size(), 0);
    if (size == 148 && packet[0] == 1) return true;
  }
  return false;
}

std::string NetnsHarness::PresharedKeyOf(const PublicKey& key) {
  const auto output = RunProgram({"wg", "show", name_, "preshared-keys"});
  if (!output) return "wg show failed";
  std::istringstream lines(*output);
  for (std::string peer, secret; lines >> peer >> secret;) {
    if (peer == key.ToBase64()) return secret == "(none)" ? "" : secret;
  }
  return "no such peer";
}

}  // namespace jitwg::testing
