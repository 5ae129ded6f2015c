// A library that is preloaded into a daemon and makes its disk slow or its netlink calls fail while
// the test says so, in a page of memory that the two share (shim.py). It must change nothing
// otherwise, and nothing of the daemon knows of it.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

// As shim.py writes it.
struct Page {
  std::atomic<std::uint32_t> sync_delay_ms;
  std::atomic<std::uint32_t> write_delay_ms;
  std::atomic<std::uint32_t> netlink_fails;
  std::atomic<std::uint32_t> slowed;  // so many calls were
  std::atomic<std::uint32_t> failed;
};

Page nothing{};
Page* page = &nothing;

// Before main(), and so before the daemon gives up what opening a file takes.
__attribute__((constructor)) void FindPage() {
  const char* const path = std::getenv("FAULT_PAGE");
  if (path == nullptr) return;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* const found = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (found != MAP_FAILED) page = static_cast<Page*>(found);
}

template <class Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void Wait(std::uint32_t milliseconds) {
  ++page->slowed;
  timespec left{static_cast<time_t>(milliseconds / 1000), (milliseconds % 1000) * 1000000L};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void SlowSync() {
  if (const std::uint32_t delay = page->sync_delay_ms) Wait(delay);
}

void SlowWrite(int file) {
  const std::uint32_t delay = page->write_delay_ms;
  struct stat facts {};
  if (delay != 0 && ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode)) Wait(delay);
}

// What a kernel answers that is short of memory, or whose object is in use; in turn.
int NetlinkError(int socket) {
  if (page->netlink_fails == 0) return 0;
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return 0;
  if (domain != AF_NETLINK) return 0;
  return page->failed++ % 2 == 0 ? ENOBUFS : EBUSY;
}

}  // namespace

extern "C" {

int fsync(int file) {
  static auto* const real = Real<int(int)>("fsync");
  SlowSync();
  return real(file);
}

int fdatasync(int file) {
  static auto* const real = Real<int(int)>("fdatasync");
  SlowSync();
  return real(file);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* const real = Real<ssize_t(int, const void*, size_t)>("write");
  SlowWrite(file);
  return real(file, bytes, size);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static auto* const real = Real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  SlowWrite(file);
  return real(file, bytes, size, at);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  static auto* const real = Real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  SlowWrite(file);
  return real(file, bytes, size, at);
}

ssize_t sendto(int socket, const void* bytes, size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  static auto* const real =
      Real<ssize_t(int, const void*, size_t, int, const sockaddr*, socklen_t)>("sendto");
  if (const int error = NetlinkError(socket); error != 0) {
    errno = error;
    return -1;
  }
  return real(socket, bytes, size, flags, to, to_size);
}

}  // extern "C"
