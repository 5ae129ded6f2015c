#include "tests/bench/gateway_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace jitwg::bench {
namespace {

std::string ProcPath(pid_t pid, const char* file) {
  return "/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid)) + "/" + file;
}

}  // namespace

Folder::Folder() : path_(std::filesystem::temp_directory_path() / "jitwg-bench-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder in /tmp");
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::Make(const std::string& name) const {
  std::string made = path_ + "/" + name;
  std::filesystem::create_directories(made);
  return made;
}

ProvisionerProcess::ProvisionerProcess(const std::string& program, const std::string& sniffer,
                                       const std::string& registry, const std::string& folder,
                                       const std::vector<std::string>& options) {
  std::vector<std::string> words = {
      program,      "--sniffer",      sniffer,
      "--registry", registry,         "--state-dir",
      folder,       "--admin-listen", "unix:" + folder + "/admin.sock"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, (folder + "/log").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int failed =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot run " + program);
}

ProvisionerProcess::~ProvisionerProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::size_t StatusKib(pid_t pid, const std::string& name) {
  std::ifstream file(ProcPath(pid, "status"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1));
  }
  return 0;
}

double CpuSeconds(pid_t pid) {
  std::ifstream file(ProcPath(pid, "stat"));
  std::string line;
  std::getline(file, line);
  // The name, in brackets, may hold anything; utime and stime are the 12th and 13th behind it.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace jitwg::bench
