#include "lib/registry/postgres_connect.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <sstream>

namespace jitwg::registry {
namespace {

using std::chrono::milliseconds;

void IgnoreNotice(void*, const PGresult*) {}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

PostgresConnection Begin(const PostgresKeywords& keywords) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  PostgresConnection connection(PQconnectStartParams(names.data(), values.data(), 1));
  // Notices would go to standard error.
  if (connection) PQsetNoticeReceiver(connection.get(), IgnoreNotice, nullptr);
  return connection;
}

std::map<std::string, std::string> OptionsOf(PGconn* connection) {
  std::map<std::string, std::string> map;
  PQconninfoOption* options = PQconninfo(connection);
  for (const auto* o = options; o != nullptr && o->keyword != nullptr; ++o) {
    // No secret is needed here.
    if (o->val != nullptr && Text(o->dispchar).empty()) map[o->keyword] = o->val;
  }
  PQconninfoFree(options);
  return map;
}

// As libpq itself takes it: 0 or less is for ever, which here means the deadline; 1 is too short.
SteadyTime HostDeadline(PGconn* connection, SteadyTime deadline) {
  const long seconds = std::strtol(OptionsOf(connection)["connect_timeout"].c_str(), nullptr, 10);
  if (seconds <= 0) return deadline;
  const auto timeout = std::chrono::seconds(std::clamp(seconds, 2L, 3600L));
  return std::min(deadline, std::chrono::steady_clock::now() + timeout);
}

// Which of the hosts libpq is busy with.
std::string HostOf(PGconn* connection) {
  return Text(PQhost(connection)) + " " + Text(PQhostaddr(connection)) + " " +
         Text(PQport(connection));
}

enum class Outcome : std::uint8_t { kConnected, kFailed, kHostHangs, kOutOfTime };

Outcome Drive(PGconn* connection, SteadyTime deadline, int stop_fd) {
  if (PQstatus(connection) == CONNECTION_BAD) return Outcome::kFailed;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  std::string host = HostOf(connection);
  SteadyTime host_deadline = HostDeadline(connection, deadline);
  for (;;) {
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!AwaitSocket(PQsocket(connection), events, host_deadline, stop_fd)) {
      return host_deadline < deadline ? Outcome::kHostHangs : Outcome::kOutOfTime;
    }
    state = PQconnectPoll(connection);
    if (state == PGRES_POLLING_OK) return Outcome::kConnected;
    if (state == PGRES_POLLING_FAILED) return Outcome::kFailed;
    if (const std::string now = HostOf(connection); now != host) {
      host = now;
      host_deadline = HostDeadline(connection, deadline);
    }
  }
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

std::string Without(const std::vector<std::string>& items, std::size_t left_out) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i == left_out) continue;
    text += (text.empty() ? "" : ",") + items[i];
  }
  return text;
}

// libpq offers no way to give one host up and go on to the next, so a host that hangs is taken off
// the list. False when there is no other.
bool LeaveOutHost(PGconn* connection, PostgresKeywords& keywords) {
  auto options = OptionsOf(connection);
  const auto hosts = SplitList(options["host"]);
  const auto addresses = SplitList(options["hostaddr"]);
  const auto ports = SplitList(options["port"]);
  const std::size_t count = std::max(hosts.size(), addresses.size());
  const auto item = [](const std::vector<std::string>& items, std::size_t i) {
    return i < items.size() ? items[i] : items.empty() ? std::string() : items.back();
  };
  for (std::size_t i = 0; count > 1 && i < count; ++i) {
    const std::string host = hosts.empty() ? item(addresses, i) : item(hosts, i);
    if (host != Text(PQhost(connection)) || item(ports, i) != Text(PQport(connection))) continue;
    for (const auto& [name, items] :
         {std::pair("host", hosts), std::pair("hostaddr", addresses), std::pair("port", ports)}) {
      if (items.size() > 1) keywords.emplace_back(name, Without(items, i));
    }
    return true;
  }
  return false;
}

}  // namespace

bool AwaitSocket(int fd, short events, SteadyTime deadline, int stop_fd) {
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    const auto left = std::chrono::ceil<milliseconds>(deadline - now).count();
    std::array<pollfd, 2> fds = {pollfd{fd, events, 0}, pollfd{stop_fd, POLLIN, 0}};
    const int ready =
        ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready > 0 && fds[1].revents != 0) return false;
    if (ready > 0 && fds[0].revents != 0) return true;
  }
}

Result<PostgresConnection> Connect(const PostgresSettings& settings, SteadyTime deadline,
                                   int stop_fd) {
  PostgresKeywords keywords = settings.Keywords();
  std::string hanging;
  constexpr int kMostHosts = 32;
  for (int attempt = 0; attempt < kMostHosts; ++attempt) {
    PostgresConnection connection = Begin(keywords);
    if (!connection) return Error{ErrorCode::kResourceExhausted, "no memory for a connection"};
    const Outcome outcome = Drive(connection.get(), deadline, stop_fd);
    if (outcome == Outcome::kConnected) {
      PQsetnonblocking(connection.get(), 1);
      return connection;
    }
    if (outcome == Outcome::kFailed) {
      return Error{ErrorCode::kUnavailable,
                   "registry database: " + settings.Scrub(PQerrorMessage(connection.get()))};
    }
    hanging = HostOf(connection.get());
    if (outcome == Outcome::kOutOfTime || !LeaveOutHost(connection.get(), keywords)) break;
  }
  return Error{ErrorCode::kUnavailable,
               "registry database: server " + settings.Scrub(hanging) + " does not answer"};
}

}  // namespace jitwg::registry
