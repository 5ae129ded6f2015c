#include "lib/sandbox/system_calls.h"

#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <vector>

#include "lib/sandbox/sanitizers.h"
#include "lib/sandbox/system_call_lists.h"

namespace jitwg::sandbox {
namespace {

constexpr scmp_datum_t kWord = 0xffffffff;  // the kernel looks at 32 bits of an int
constexpr scmp_datum_t kSocketType = 0xf;   // without SOCK_CLOEXEC and SOCK_NONBLOCK

// Collects rules; the first failure is kept, and nothing is done after it.
class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void Add(std::uint32_t action, const char* name,
           const std::vector<scmp_arg_cmp>& arguments = {}) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || context_ == nullptr || error_ != 0) return;
    const int added =
        seccomp_rule_add_array(context_, action, number, static_cast<unsigned>(arguments.size()),
                               arguments.empty() ? nullptr : arguments.data());
    // A name of another architecture has no number here.
    if (added != 0 && number >= 0) error_ = -added;
  }
  void Allow(const char* name, const std::vector<scmp_arg_cmp>& arguments = {}) {
    Add(SCMP_ACT_ALLOW, name, arguments);
  }

  int Load() {
    if (context_ == nullptr) return ENOMEM;
    if (error_ != 0) return error_;
    // What is refused is told to the audit log, where the kernel can.
    seccomp_attr_set(context_, SCMP_FLTATR_CTL_LOG, 1);
    seccomp_attr_set(context_, SCMP_FLTATR_API_SYSRAWRC, 1);  // the kernel's own errno
    return -seccomp_load(context_);
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
};

scmp_arg_cmp Is(unsigned argument, scmp_datum_t value, scmp_datum_t mask = kWord) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void AddSockets(Filter& filter, SystemCalls allowed) {
  filter.Allow("socket", {Is(0, AF_UNIX)});
  if (allowed == SystemCalls::kGateway) {
    for (const int family : {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK}) {
      filter.Allow("socket", {Is(0, static_cast<scmp_datum_t>(family))});
    }
    return;
  }
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      filter.Allow("socket", {Is(0, static_cast<scmp_datum_t>(family)),
                              Is(1, static_cast<scmp_datum_t>(type), kSocketType)});
    }
  }
  // The resolver asks it which addresses this machine has.
  filter.Allow("socket", {Is(0, AF_NETLINK), Is(2, NETLINK_ROUTE)});
}

void AddWithArguments(Filter& filter) {
  filter.Allow("clone", {Is(0, CLONE_THREAD, CLONE_THREAD)});
  // Its flags are in memory, where no filter can look: glibc then takes clone.
  filter.Add(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  filter.Allow("tgkill", {Is(0, static_cast<scmp_datum_t>(::getpid()))});
  for (const int option :
       {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ}) {
    filter.Allow("prctl", {Is(0, static_cast<scmp_datum_t>(option))});
  }
  for (const int request : {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX}) {
    filter.Allow("ioctl", {Is(1, static_cast<scmp_datum_t>(request))});
  }
  // Of interfaces (linux/sockios.h); what changes one needs CAP_NET_ADMIN.
  filter.Allow("ioctl", {Is(1, 0x8900, 0xffffff00)});
}

}  // namespace

std::string WhyNotLimited() {
  // LeakSanitizer traces its own process, and all of them start helpers.
  return kSanitized ? "a sanitizer's build" : "";
}

Status LimitSystemCalls(SystemCalls allowed) {
  if (const std::string why = WhyNotLimited(); !why.empty()) {
    return Error{ErrorCode::kUnavailable, why};
  }
  Filter filter;
  for (const char* name : kAllowed) filter.Allow(name);
  for (const char* name : kHostile) filter.Add(SCMP_ACT_KILL_PROCESS, name);
  AddWithArguments(filter);
  AddSockets(filter, allowed);
  const int error = filter.Load();
  if (error == 0) return {};
  // EPERM: a service manager's filter forbids filters.
  const bool absent = error == EINVAL || error == ENOSYS || error == EPERM;
  Error failed = ErrnoError("cannot limit this process's system calls", error);
  if (absent) failed.code = ErrorCode::kUnavailable;
  return failed;
}

}  // namespace jitwg::sandbox
