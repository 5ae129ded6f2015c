#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "lib/base/version.h"
#include "lib/metrics/exposition.h"

namespace jitwg::metrics {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Taken once.
double StartTime() {
  static const double started =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return started;
}
// Before main, so that it is the process's start.
[[maybe_unused]] const double kStarted = StartTime();

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  if (!(file >> pages >> resident)) return 0;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void AddProcess(Exposition& out, std::string_view program) {
  out.Gauge("jitwg_build_info", "Which program this is, and of which version; always 1.",
            {{"program", program}, {"version", Version()}}, 1);
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  out.Counter("process_cpu_seconds_total", "Processor time spent, user and system.", {},
              Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  out.Gauge("process_resident_memory_bytes", "Memory in use.", {}, ResidentBytes());
  out.Gauge("process_start_time_seconds", "When the process started, in Unix time.", {},
            StartTime());
}

}  // namespace jitwg::metrics
