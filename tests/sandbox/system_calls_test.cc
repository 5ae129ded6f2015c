// Tries in a child, behind the filter, what must fail and what must not.
#include "lib/sandbox/system_calls.h"

#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "tests/sandbox/child.h"

namespace jitwg::sandbox {
namespace {

// `run` behind the filter; 99: it could not be set.
int Behind(SystemCalls allowed, const std::function<int()>& run) {
  return InChild([&] { return LimitSystemCalls(allowed) ? run() : 99; });
}

class SystemCallFilter : public ::testing::TestWithParam<SystemCalls> {
 protected:
  void ExpectKilled(const std::function<void()>& call) {
    const int status = Behind(GetParam(), [&] {
      call();
      return 0;
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
  }
  // `call` says that it worked by a result that is not -1.
  void ExpectRefused(const std::function<long()>& call) {
    const int status = Behind(GetParam(), [&] { return call() == -1 && errno == EPERM ? 0 : 1; });
    EXPECT_TRUE(EndedWith(status, 0)) << status;
  }
  void ExpectDone(const std::function<bool()>& call) {
    const int status = Behind(GetParam(), [&] { return call() ? 0 : 1; });
    EXPECT_TRUE(EndedWith(status, 0)) << status;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, SystemCallFilter,
                         ::testing::Values(SystemCalls::kService, SystemCalls::kGateway));

TEST_P(SystemCallFilter, EndsAProcessThatAnIntruderWouldUse) {
  if (!WhyNotLimited().empty()) return;  // a sanitizer's build has no filter, and Begin says so
  ExpectKilled([] { ::execl("/bin/true", "true", nullptr); });
  ExpectKilled([] { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  ExpectKilled([] { ::syscall(SYS_bpf, 0, nullptr, 0); });
  ExpectKilled([] { ::syscall(SYS_unshare, 0); });
  ExpectKilled([] { ::syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr); });
  ExpectKilled([] { ::syscall(SYS_finit_module, -1, "", 0); });
  ExpectKilled([] { ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); });
}

TEST_P(SystemCallFilter, RefusesWhatNoPartNeeds) {
  if (!WhyNotLimited().empty()) return;
  ExpectRefused([] { return static_cast<long>(::fork()); });
  ExpectRefused([] { return static_cast<long>(::kill(::getppid(), 0)); });
  ExpectRefused([] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); });
  ExpectRefused([] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); });
  ExpectRefused([] { return ::syscall(SYS_io_uring_setup, 1, nullptr); });
  ExpectRefused([] { return ::syscall(SYS_symlink, "/a", "/tmp/jitwg-b"); });
  ExpectRefused([] { return static_cast<long>(::ioctl(0, TIOCSTI, "x")); });
  // The kernel looks at the lower half only, and so does the filter.
  ExpectRefused([] { return ::syscall(SYS_ioctl, 0, (1UL << 32) | TIOCSTI, "x"); });
  ExpectRefused([] { return static_cast<long>(::socket(AF_ALG, SOCK_SEQPACKET, 0)); });
}

TEST_P(SystemCallFilter, LetsLibrariesDoTheirWork) {
  if (!WhyNotLimited().empty()) return;
  ExpectDone([] {
    bool ran = false;
    std::thread([&ran] { ran = true; }).join();
    return ran;
  });
  ExpectDone([] {
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo("localhost", "80", nullptr, &found);
    if (found != nullptr) ::freeaddrinfo(found);
    return error == 0;
  });
  ExpectDone([] {
    std::FILE* file = std::tmpfile();
    return file != nullptr && std::fputs("x", file) >= 0 && ::fsync(::fileno(file)) == 0;
  });
  ExpectDone([] { return ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0; });
  ExpectDone([] { return ::memfd_create("x", MFD_CLOEXEC) >= 0; });
}

TEST(SystemCallFilterOfAService, OpensNoRawSocket) {
  if (!WhyNotLimited().empty()) return;
  const auto refused = [](int family, int type, int protocol) {
    return ::socket(family, type, protocol) == -1 && errno == EPERM;
  };
  const int status = Behind(SystemCalls::kService, [&] {
    if (!refused(AF_PACKET, SOCK_RAW, ETH_P_ALL)) return 1;
    if (!refused(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP)) return 2;
    if (!refused(AF_INET6, SOCK_RAW, IPPROTO_UDP)) return 3;
    return refused(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC) ? 0 : 4;
  });
  EXPECT_TRUE(EndedWith(status, 0)) << WEXITSTATUS(status);
}

TEST(SystemCallFilterOfTheGateway, LeavesRawSocketsToTheCapabilities) {
  if (!WhyNotLimited().empty()) return;
  const int status = Behind(SystemCalls::kGateway, [] {
    if (::socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC) < 0) return 1;
    const bool packet = ::socket(AF_PACKET, SOCK_RAW, 0) >= 0;
    return packet == (::geteuid() == 0) ? 0 : 2;
  });
  EXPECT_TRUE(EndedWith(status, 0)) << WEXITSTATUS(status);
}

}  // namespace
}  // namespace jitwg::sandbox
