#include "tests/bench/floor.h"

#include <grpcpp/grpcpp.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "jitwg/v1/handshake_events.grpc.pb.h"
#include "jitwg/v1/peer_installer.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"

namespace jitwg::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Writer final : public grpc::ServerWriteReactor<v1::WatchResponse> {
 public:
  // The write before may end a moment after its answer came.
  void Send() {
    while (busy_.exchange(true)) std::this_thread::yield();
    StartWrite(&empty_);
  }
  void End() { Finish(grpc::Status::OK); }
  void OnWriteDone(bool) override { busy_ = false; }
  void OnDone() override { delete this; }

 private:
  const v1::WatchResponse empty_;
  std::atomic<bool> busy_{false};
};

class EmptyStream final : public v1::HandshakeEvents::CallbackService {
 public:
  // Blocks until the caller is there.
  Writer& writer() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return writer_ != nullptr; });
    return *writer_;
  }

 private:
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext*,
                                                     const v1::WatchRequest*) override {
    const std::lock_guard lock(mutex_);
    writer_ = new Writer;
    came_.notify_all();
    return writer_;
  }

  std::mutex mutex_;
  std::condition_variable came_;
  Writer* writer_ = nullptr;
};

class EmptyCall final : public v1::PeerInstaller::CallbackService {
  grpc::ServerUnaryReactor* InstallPeers(grpc::CallbackServerContext* context,
                                         const v1::InstallPeersRequest*,
                                         v1::InstallPeersResponse*) override {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

// The caller's side: does the rest of the round in gRPC's callbacks, as the provisioner does.
struct Floor::Parts final : public grpc::ClientReadReactor<v1::WatchResponse> {
  EmptyStream stream;
  EmptyCall call;
  std::unique_ptr<rpc::Server> server;
  BareLookUp look_up;
  std::unique_ptr<v1::HandshakeEvents::Stub> events;
  std::unique_ptr<v1::PeerInstaller::Stub> installer;
  grpc::ClientContext watch_context;
  std::unique_ptr<grpc::ClientContext> call_context;
  const v1::WatchRequest watch_request;
  v1::WatchResponse message;
  const v1::InstallPeersRequest request;
  v1::InstallPeersResponse response;

  std::mutex mutex;
  std::condition_variable changed;
  PublicKey key;
  SteadyClock::time_point begun, heard, found, answered;
  bool round_over = false;
  bool failed = false;
  bool stream_over = false;

  void OnReadDone(bool ok) override {
    if (!ok) return;
    heard = SteadyClock::now();
    failed = !look_up(key);
    found = SteadyClock::now();
    call_context = std::make_unique<grpc::ClientContext>();
    installer->async()->InstallPeers(call_context.get(), &request, &response,
                                     [this](const grpc::Status& status) {
                                       const std::lock_guard lock(mutex);
                                       answered = SteadyClock::now();
                                       failed |= !status.ok();
                                       round_over = true;
                                       changed.notify_all();
                                     });
    StartRead(&message);
  }
  void OnDone(const grpc::Status&) override {
    const std::lock_guard lock(mutex);
    stream_over = true;
    changed.notify_all();
  }
};

Floor::Floor(const std::string& folder, BareLookUp look_up) : parts_(std::make_unique<Parts>()) {
  const std::string address = "unix:" + folder + "/floor.sock";
  const auto serve = rpc::ServeAt(address, {}, {});
  auto server = rpc::Server::Start(*serve, {&parts_->stream, &parts_->call});
  const auto channel = rpc::MakeChannel(address);
  if (!server || !channel) throw std::runtime_error("the floor's server does not start");
  parts_->server = std::move(*server);
  parts_->look_up = std::move(look_up);
  parts_->events = v1::HandshakeEvents::NewStub(*channel);
  parts_->installer = v1::PeerInstaller::NewStub(*channel);
  parts_->watch_context.set_wait_for_ready(true);
  parts_->events->async()->Watch(&parts_->watch_context, &parts_->watch_request, parts_.get());
  parts_->StartRead(&parts_->message);
  parts_->StartCall();
}

Floor::~Floor() {
  parts_->stream.writer().End();
  std::unique_lock lock(parts_->mutex);
  parts_->changed.wait(lock, [this] { return parts_->stream_over; });
}

FloorTimes Floor::Measure(const PublicKey& key) {
  Parts& parts = *parts_;
  Writer& writer = parts.stream.writer();
  std::unique_lock lock(parts.mutex);
  parts.key = key;
  parts.round_over = false;
  parts.begun = SteadyClock::now();
  lock.unlock();
  writer.Send();
  lock.lock();
  parts.changed.wait(lock, [&parts] { return parts.round_over; });
  if (parts.failed) throw std::runtime_error("the floor's look-up or call failed");
  return {parts.heard - parts.begun, parts.found - parts.heard, parts.answered - parts.found,
          parts.answered - parts.begun};
}

BareLookUp BareSqlite(const std::string& path) {
  sqlite3* raw = nullptr;
  if (sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
    throw std::runtime_error("cannot open " + path);
  }
  const std::shared_ptr<sqlite3> database(raw, sqlite3_close_v2);
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(raw,
                         "SELECT name, network, preshared_key, enabled, expires_at FROM peer"
                         " WHERE public_key = ?1",
                         -1, &prepared, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(raw));
  }
  const std::shared_ptr<sqlite3_stmt> statement(prepared, sqlite3_finalize);
  return [database, statement](const PublicKey& key) {
    sqlite3_bind_blob(statement.get(), 1, key.bytes.data(), kKeySize, SQLITE_STATIC);
    const bool found = sqlite3_step(statement.get()) == SQLITE_ROW;
    sqlite3_reset(statement.get());
    return found;
  };
}

BareLookUp BarePostgres(const std::string& connection) {
  const std::shared_ptr<PGconn> session(PQconnectdb(connection.c_str()), PQfinish);
  const char* sql =
      "SELECT name, network, allowed_ips, preshared_key, enabled, expires_at FROM jitwg.peer"
      " WHERE public_key = $1";
  constexpr Oid kBytea = 17;
  PGresult* prepared = PQprepare(session.get(), "find", sql, 1, &kBytea);
  const bool ready = PQresultStatus(prepared) == PGRES_COMMAND_OK;
  PQclear(prepared);
  if (!ready) throw std::runtime_error(PQerrorMessage(session.get()));
  return [session](const PublicKey& key) {
    const char* value = reinterpret_cast<const char*>(key.bytes.data());
    const int length = kKeySize;
    const int binary = 1;
    PGresult* result = PQexecPrepared(session.get(), "find", 1, &value, &length, &binary, 1);
    const bool found = PQntuples(result) == 1;
    PQclear(result);
    return found;
  };
}

}  // namespace jitwg::bench
