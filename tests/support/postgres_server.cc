#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "lib/registry/postgres_migrations.h"

namespace jitwg {
namespace {

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin/";

[[noreturn]] void Give(const std::string& why) {
  std::fprintf(stderr, "private PostgreSQL server: %s\n", why.c_str());
  std::exit(EXIT_FAILURE);
}

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

// initdb refuses root; whoever else runs the tests runs the server too.
const passwd* Owner() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  return user != nullptr ? user : ::getpwnam("nobody");
}

void GiveUpRoot() {
  const passwd* owner = Owner();
  if (owner == nullptr) return;
  if (::setgroups(0, nullptr) != 0 || ::setgid(owner->pw_gid) != 0 ||
      ::setuid(owner->pw_uid) != 0) {
    ::_exit(EXIT_FAILURE);
  }
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) continue;
    if (std::atoi(text.c_str() + name_end + 4) == parent) {
      children.push_back(std::atoi(name.c_str()));
    }
  }
  return children;
}

}  // namespace

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    Give("no free port on loopback");
  }
  ::close(fd);
  return ntohs(address.sin_port);
}

PostgresServer& PostgresServer::Shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  std::string pattern = "/tmp/jitwg-postgres-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) Give("cannot make a folder in /tmp");
  // Its socket is for daemons, too, who as root without capabilities are anybody. The data have a
  // folder of their own.
  if (::chmod(pattern.c_str(), 0711) != 0) Give("cannot open " + pattern + " to others");
  folder_ = pattern;
  const passwd* owner = Owner();
  if (owner != nullptr && ::chown(folder_.c_str(), owner->pw_uid, owner->pw_gid) != 0) {
    Give("cannot hand its folder to an ordinary user");
  }
  InitializeData();
  // Another program may take the port between our look and the server's.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = FreePort();
    Start();
    if (pid_ > 0) return;
  }
  Give("it does not start:\n" + Log());
}

PostgresServer::~PostgresServer() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::InitializeData() {
  const pid_t pid = Spawn({"initdb", "-D", folder_ + "/data", "-U", "postgres", "-A", "trust", "-E",
                           "UTF8", "--locale=C", "--no-sync", "--no-instructions"});
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) Give("initdb failed:\n" + Log());
}

pid_t PostgresServer::Spawn(const std::vector<std::string>& arguments) const {
  const std::string program = kBinaries + arguments.front();
  const std::string log = folder_ + "/log";
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  GiveUpRoot();
  // A test that crashes leaves no server behind. A change of user resets it, so it comes after.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0 || ::chdir("/") != 0) {
    ::_exit(EXIT_FAILURE);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(program.c_str(), pointers.data());
  ::_exit(EXIT_FAILURE);
}

void PostgresServer::Start() {
  pid_ = Spawn({"postgres", "-D", folder_ + "/data", "-k", folder_, "-p", std::to_string(port_),
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off",
                "-c", "max_connections=60", "-c", "shared_buffers=64MB", "-c", "max_wal_size=2GB"});
  if (AwaitReady()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool PostgresServer::AwaitReady() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (PQping(SocketAddress("postgres").c_str()) == PQPING_OK) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

std::string PostgresServer::Log() const {
  std::ifstream log(folder_ + "/log");
  return {std::istreambuf_iterator<char>(log), {}};
}

void PostgresServer::Signal(int signal) const {
  // The postmaster first: it makes no new ones then.
  ::kill(pid_, signal);
  for (const pid_t child : ChildrenOf(pid_)) ::kill(child, signal);
}

void PostgresServer::Stop() {
  if (pid_ <= 0) return;
  if (frozen_) Thaw();
  ::kill(pid_, SIGQUIT);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PostgresServer::Freeze() {
  Signal(SIGSTOP);
  frozen_ = true;
}

void PostgresServer::Thaw() {
  Signal(SIGCONT);
  frozen_ = false;
}

std::string PostgresServer::Address(const std::string& database, const std::string& user) const {
  return "postgresql://" + user + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PostgresServer::SocketAddress(const std::string& database) const {
  return "host=" + folder_ + " port=" + std::to_string(port_) + " user=postgres dbname=" + database;
}

std::string PostgresServer::Execute(const std::string& database, const std::string& sql) const {
  const std::unique_ptr<PGconn, Finish> connection(PQconnectdb(SocketAddress(database).c_str()));
  const registry::PostgresResult result(PQexec(connection.get(), sql.c_str()));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    Give(sql + ": " + PQerrorMessage(connection.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

std::string PostgresServer::Try(const std::string& database, const std::string& user,
                                const std::string& sql) const {
  const std::unique_ptr<PGconn, Finish> connection(PQconnectdb(Address(database, user).c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) Give(PQerrorMessage(connection.get()));
  const registry::PostgresResult result(PQexec(connection.get(), sql.c_str()));
  const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

std::string PostgresServer::NewDatabase(bool migrated) {
  static std::atomic<int> number{0};
  std::string name = "test_" + std::to_string(++number);
  if (migrated && template_.empty()) {
    template_ = NewDatabase(false);
    const auto settings = registry::PostgresSettings::Parse(SocketAddress(template_));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    auto session = registry::PostgresSession::Open(*settings, deadline);
    if (!session) Give(session.error().message);
    const auto applied = registry::Migrate(*session, deadline);
    if (!applied) Give(applied.error().message);
  }
  Execute("postgres", "CREATE DATABASE " + name + (migrated ? " TEMPLATE " + template_ : ""));
  return name;
}

}  // namespace jitwg
