// A real server and real clients over loopback: who gets in, who does not, and what they are told.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <mutex>

#include "grpc/health/v1/health.grpc.pb.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/server.h"
#include "tests/rpc/test_certificates.h"

namespace jitwg::rpc {
namespace {

using grpc::StatusCode;

grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  SetTimeout(context, std::chrono::seconds(20));
  context.set_wait_for_ready(false);
  grpc::health::v1::HealthCheckResponse response;
  return stub->Check(&context, {}, &response);
}

// A client that is not ours, so that it can have what ours would refuse to read.
std::shared_ptr<grpc::Channel> StrangersChannel(int port, const std::string& ca,
                                                const certificates::KeyPair& pair) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetSslTargetNameOverride("localhost");
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::SslCredentials({ca, pair.key, pair.certificate}),
                                   arguments);
}

// Sees one line of the log go by.
class Waiter final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // From now on, of the lines with this in them.
  void Await(std::string text) {
    const std::lock_guard lock(mutex_);
    awaited_ = std::move(text);
    seen_ = false;
  }
  bool seen() const { return seen_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    if (text.find("tls_refused") != text.npos && text.find(awaited_) != text.npos) seen_ = true;
  }
  void flush_() override {}

 private:
  std::string awaited_;
  std::atomic<bool> seen_ = false;
};

class Tls : public ::testing::Test {
 protected:
  // Before any thread that logs: spdlog's default logger must not be exchanged under them.
  static void SetUpTestSuite() {
    const auto usual = spdlog::default_logger();
    spdlog::sinks_init_list sinks = {usual->sinks().front(), waiter_};
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sinks));
  }

  void SetUp() override {
    TlsOptions tls = authority_.Files(dir_, "server", {"localhost", "sniffer", "127.0.0.1"});
    tls.client_names = {"provisioner", "spiffe://test/operator"};
    auto server = Server::Start(ServeAt("127.0.0.1:0", {}, tls).value(), {});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  TlsOptions Client(const std::vector<std::string>& names) {
    return authority_.Files(dir_, "client" + std::to_string(++clients_), names);
  }
  grpc::Status CallAs(const TlsOptions& tls) { return Call(MakeChannel(address(), tls).value()); }

  inline static const auto waiter_ = std::make_shared<Waiter>();
  const TempDir dir_;
  const TestAuthority authority_;
  std::unique_ptr<Server> server_;
  int clients_ = 0;
};

TEST_F(Tls, ACallerWithAnAllowedNameIsServed) {
  const grpc::Status by_dns = CallAs(Client({"provisioner"}));
  EXPECT_TRUE(by_dns.ok()) << by_dns.error_message();
  const grpc::Status by_uri = CallAs(Client({"other", "spiffe://test/operator"}));
  EXPECT_TRUE(by_uri.ok()) << by_uri.error_message();
}

TEST_F(Tls, ACallerWithAnotherNameIsToldSo) {
  const grpc::Status status = CallAs(Client({"stranger"}));
  EXPECT_EQ(status.error_code(), StatusCode::PERMISSION_DENIED);
  EXPECT_NE(status.error_message().find("'stranger'"), std::string::npos) << status.error_message();
  const grpc::Status nobody = CallAs(Client({}));
  EXPECT_EQ(nobody.error_code(), StatusCode::PERMISSION_DENIED) << nobody.error_message();
}

TEST_F(Tls, ACallerOfAnotherAuthorityIsRefused) {
  const TestAuthority other;
  const auto channel =
      StrangersChannel(server_->port(), authority_.pem(), other.Leaf({"provisioner"}));
  const grpc::Status status = Call(channel);
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << status.error_message();
}

TEST_F(Tls, ACallerWhoseCertificateIsOverIsRefused) {
  const auto channel = StrangersChannel(server_->port(), authority_.pem(),
                                        authority_.Leaf({"provisioner"}, LongOver()));
  EXPECT_EQ(Call(channel).error_code(), StatusCode::UNAVAILABLE);
  // The same with one that is not: it was the time.
  const auto good =
      StrangersChannel(server_->port(), authority_.pem(), authority_.Leaf({"provisioner"}));
  EXPECT_TRUE(Call(good).ok());
}

TEST_F(Tls, ACallerWithoutACertificateIsRefused) {
  const auto channel = StrangersChannel(server_->port(), authority_.pem(), {});
  EXPECT_EQ(Call(channel).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(Tls, APlainTextCallerIsRefused) {
  const auto channel = grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
  EXPECT_EQ(Call(channel).error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(Tls, AServerOfAnotherAuthorityIsNotTrusted) {
  TlsOptions tls = Client({"provisioner"});
  WriteFile(tls.ca_file, TestAuthority().pem());
  const grpc::Status status = CallAs(tls);
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("certificate"), std::string::npos)
      << status.error_message();
}

TEST_F(Tls, AServerWithAnotherNameIsNotTrusted) {
  TlsOptions tls = Client({"provisioner"});
  tls.server_names = {"gw2.example.org"};
  const grpc::Status status = CallAs(tls);
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("not for gw2.example.org"), std::string::npos)
      << status.error_message();
  tls.server_names = {"gw2.example.org", "sniffer"};
  EXPECT_TRUE(CallAs(tls).ok());
}

TEST_F(Tls, AServerWhoseCertificateIsOverIsNotTrusted) {
  const auto leaf = authority_.Leaf({"127.0.0.1"}, LongOver());
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({leaf.key, leaf.certificate});
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  const auto channel = MakeChannel("127.0.0.1:" + std::to_string(port), Client({"provisioner"}));
  const grpc::Status status = Call(*channel);
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_NE(status.error_message().find("certificate"), std::string::npos)
      << status.error_message();
}

TEST_F(Tls, NewFilesAreUsedWithoutARestart) {
  TlsOptions tls = Client({"provisioner"});
  tls.server_names = {"gw2.example.org"};
  ASSERT_FALSE(CallAs(tls).ok());
  authority_.Files(dir_, "server", {"gw2.example.org"});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool served = false;
  while (!served && std::chrono::steady_clock::now() < end) served = CallAs(tls).ok();
  EXPECT_TRUE(served) << "the server still has its old certificate";
}

TEST_F(Tls, ABadFileIsRefusedAndTheOneBeforeStaysInUse) {
  waiter_->Await(dir_.File("server.pem"));
  const TlsOptions tls = Client({"provisioner"});
  WriteFile(dir_.File("server.pem"), "no certificate");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool always_served = true;
  while (!waiter_->seen() && std::chrono::steady_clock::now() < end) {
    always_served = always_served && CallAs(tls).ok();
  }
  EXPECT_TRUE(waiter_->seen()) << "nobody was told";
  EXPECT_TRUE(always_served && CallAs(tls).ok());
}

// The version agreed on, or empty when the server refused.
std::string Handshake(int port, int newest_version) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);  // this side would take the oldest
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, newest_version);
  BIO* const line = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(line, ("127.0.0.1:" + std::to_string(port)).c_str());
  std::string version;
  SSL* ssl = nullptr;
  BIO_get_ssl(line, &ssl);
  const bool refused = BIO_do_connect(line) != 1 || BIO_do_handshake(line) != 1;
  // Without a certificate TLS 1.2 ends with an alert after the version was agreed on.
  if (!refused || SSL_get_peer_cert_chain(ssl) != nullptr) version = SSL_get_version(ssl);
  BIO_free_all(line);
  SSL_CTX_free(context);
  return version;
}

TEST_F(Tls, NothingOlderThanVersion12IsSpoken) {
  EXPECT_EQ(Handshake(server_->port(), TLS1_1_VERSION), "");
  EXPECT_EQ(Handshake(server_->port(), TLS1_2_VERSION), "TLSv1.2");
  EXPECT_EQ(Handshake(server_->port(), TLS1_3_VERSION), "TLSv1.3");
}

}  // namespace
}  // namespace jitwg::rpc
