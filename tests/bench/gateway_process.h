// The real jitwg-provisioner as a process of its own beside a benchmark, and a folder that goes
// with the run.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace jitwg::bench {

// A folder of this process alone, removed with all that is in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  // Makes a folder inside.
  std::string Make(const std::string& name) const;

 private:
  std::string path_;
};

// Starts with the object and is gone with it. Its log goes to `folder`/log, as it would to a
// journal.
class ProvisionerProcess {
 public:
  // `program`: the binary. Throws when it cannot be run.
  ProvisionerProcess(const std::string& program, const std::string& sniffer,
                     const std::string& registry, const std::string& folder,
                     const std::vector<std::string>& options = {});
  ~ProvisionerProcess();
  ProvisionerProcess(const ProvisionerProcess&) = delete;
  ProvisionerProcess& operator=(const ProvisionerProcess&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// A line of /proc/PID/status in KiB ("VmHWM", "RssAnon"); 0 when there is none. pid 0: this one.
std::size_t StatusKib(pid_t pid, const std::string& name);

// The processor time that a process has used so far.
double CpuSeconds(pid_t pid);

}  // namespace jitwg::bench
