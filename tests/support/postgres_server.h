// A private PostgreSQL server for tests: its own data folder, a Unix socket and a free port on
// loopback, gone with the test. It can be stopped, restarted and frozen. Never touches another
// server.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <string>
#include <vector>

namespace jitwg {

// Anything that goes wrong here ends the test program with a message: without a server there is
// nothing to test. One thread.
class PostgresServer {
 public:
  // Makes and starts one; about two seconds.
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The one that the tests of this program share; stopped when the program ends.
  static PostgresServer& Shared();

  // Makes an empty database, or one with the registry's schema, and returns its name.
  std::string NewDatabase(bool migrated = true);
  // A connection string over TCP (a role that need no password: all are trusted).
  std::string Address(const std::string& database, const std::string& user = "postgres") const;
  // The same over the Unix socket.
  std::string SocketAddress(const std::string& database) const;
  int port() const { return port_; }

  // As the superuser; ends the program on an error. The first column of the first row.
  std::string Execute(const std::string& database, const std::string& sql) const;
  // As any role; "" or the SQLSTATE of the error.
  std::string Try(const std::string& database, const std::string& user,
                  const std::string& sql) const;

  void Start();
  // At once, as after a crash.
  void Stop();
  // All of the server's processes stand still, and go on.
  void Freeze();
  void Thaw();

 private:
  void InitializeData();
  pid_t Spawn(const std::vector<std::string>& arguments) const;
  bool AwaitReady() const;
  std::string Log() const;
  void Signal(int signal) const;

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
  bool frozen_ = false;
  std::string template_;
};

// A port of loopback that nobody listens on now.
int FreePort();

}  // namespace jitwg
