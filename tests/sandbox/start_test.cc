// What a process is after its first rungs, as the kernel tells.
#include "lib/sandbox/start.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "lib/sandbox/user.h"
#include "tests/sandbox/child.h"
#include "tests/sandbox/proc_status.h"

namespace jitwg::sandbox {
namespace {

LogOptions Quiet() {
  LogOptions log;
  log.level = "off";
  return log;
}

TEST(Begin, LeavesNothingToAnOrdinaryService) {
  const int status = InChild([] {
    if (!Begin(Quiet(), {})) return 1;
    if (ProcNumber("CapEff") != 0 || ProcNumber("CapPrm") != 0) return 2;
    if (ProcWord("NoNewPrivs") != "1") return 3;
    if (ProcWord("Seccomp") != (WhyNotLimited().empty() ? "2" : "0")) return 4;
    if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 5;
    rlimit core{1, 1};
    ::getrlimit(RLIMIT_CORE, &core);
    return core.rlim_max == 0 ? 0 : 6;
  });
  EXPECT_TRUE(EndedWith(status, 0)) << WEXITSTATUS(status);
}

TEST(Begin, ChangesTheUserAndKeepsTheRightsItIsTold) {
  if (::geteuid() != 0) {
    // Who is not root is told, and stays out.
    const int refused = InChild([] {
      Confinement other;
      other.user = "1";
      return Begin(Quiet(), other) ? 0 : 7;
    });
    EXPECT_TRUE(EndedWith(refused, 7));
    return;
  }
  const int status = InChild([] {
    const CapabilitySet before = ProcNumber("CapPrm");
    Confinement confinement;
    confinement.capabilities = kNetAdmin | kNetRaw;
    confinement.user = "65534";
    if (!Begin(Quiet(), confinement)) return 1;
    if (::getuid() != 65534 || ::geteuid() != 65534 || ::getegid() != 65534) return 2;
    if (ProcNumber("CapEff") != (before & (kNetAdmin | kNetRaw))) return 3;
    if (::getgroups(0, nullptr) != 0) return 4;
    if (::setuid(0) == 0) return 5;
    return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 6;
  });
  EXPECT_TRUE(EndedWith(status, 0)) << WEXITSTATUS(status);
}

TEST(FindUser, NamesWhoIsNotThere) {
  EXPECT_EQ(FindUser("root").value().user, uid_t{0});
  EXPECT_EQ(FindUser("4711").value().group, gid_t{4711});
  const auto nobody = FindUser("no-such-user");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message.find("no-such-user"), std::string::npos);
}

TEST(MakeDirectoryFor, MakesANewOneAndLeavesAnOldOneAlone) {
  std::string pattern = "/tmp/jitwg-XXXXXX";
  const std::string base = ::mkdtemp(pattern.data());
  const User self{::geteuid(), ::getegid()};
  const std::string inner = base + "/a/b";
  ASSERT_TRUE(MakeDirectoryFor(self, inner, 0750));
  struct stat facts {};
  ASSERT_EQ(::stat(inner.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, mode_t{0750});
  ASSERT_TRUE(MakeDirectoryFor(self, inner, 0700));
  ASSERT_EQ(::stat(inner.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, mode_t{0750});
  ::rmdir(inner.c_str());
  ::rmdir((base + "/a").c_str());
  ::rmdir(base.c_str());
}

}  // namespace
}  // namespace jitwg::sandbox
