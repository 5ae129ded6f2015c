// The peer API on a registry in a file of its own, called without a server.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "lib/registry/sqlite_control_plane.h"
#include "lib/registry/sqlite_registry.h"
#include "peer-api/service.h"
#include "tests/support/manual_clock.h"

namespace jitwg::api {

inline constexpr const char* kAdmin = "Bearer admin-token-of-the-tests";
inline constexpr const char* kGateway = "bearer gateway-token-of-the-tests";
inline constexpr const char* kTokens =
    "# for tests\n\nadmin admin-token-of-the-tests\n  gateway\tgateway-token-of-the-tests\r\n";

inline PublicKey TestKey(unsigned number) {
  PublicKey key;
  key.bytes[0] = static_cast<std::uint8_t>(number);
  key.bytes[1] = 0xfb;  // gives '+' and '/' in base64
  key.bytes[2] = 0xff;
  key.bytes[31] = 1;
  return key;
}

// "/v1/peers/KEY" and what may follow.
inline std::string PeerPath(unsigned number, const std::string& rest = "") {
  return "/v1/peers/" + ToKeySegment(TestKey(number)) + rest;
}
inline std::string RowPath(unsigned number, const std::string& rest = "") {
  return "/internal/v1/peers/" + ToKeySegment(TestKey(number)) + rest;
}

struct Answer {
  int status = 0;
  std::string type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;

  nlohmann::json Json() const { return nlohmann::json::parse(body, nullptr, false); }
  std::string Code() const { return Json().value("code", ""); }
  std::string Detail() const { return Json().value("detail", ""); }
  std::string Header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    std::string pattern = testing::TempDir() + "jitwg-api-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    registry::SqliteOptions options;
    options.poll_interval = std::chrono::milliseconds(20);
    registry_ = std::move(*registry::SqliteRegistry::Open(directory_ + "/r.db", clock_, options));
    control_ = std::move(*registry::SqliteControlPlane::Open(directory_ + "/r.db", clock_));
  }
  ~ServiceTest() override {
    service_.reset();
    control_.reset();
    registry_.reset();
    std::filesystem::remove_all(directory_);
  }

  Service& service() {
    if (!service_) {
      service_ = std::make_unique<Service>(clock_, *registry_, *control_,
                                           std::move(*Tokens::Parse(kTokens)), options_);
    }
    return *service_;
  }
  Answer Send(RequestHead head, const std::string& body = "") {
    head.has_body = !body.empty();
    head.source = source_;
    auto refused = service().Refuse(head);
    Response response = refused ? std::move(*refused) : service().Handle({head, body});
    return {response.status, response.content_type, response.body, response.headers};
  }
  Answer Call(const std::string& method, const std::string& target, const std::string& body = "",
              const char* token = kAdmin) {
    RequestHead head;
    head.method = method;
    head.target = target;
    head.authorization = token;
    head.content_type = body.empty() ? "" : "application/json";
    if (method == "POST" || method == "PUT" || method == "PATCH") {
      head.content_type = "application/json; charset=utf-8";
    }
    return Send(head, body);
  }
  Answer Create(unsigned number, const std::string& rest = "") {
    return Call("POST", "/v1/peers",
                R"({"public_key":")" + TestKey(number).ToBase64() + "\"" + rest + "}");
  }
  void PutPools() {
    ASSERT_EQ(Call("PUT", "/v1/networks/default", R"({"pools":["10.8.0.0/24"]})").status, 200);
  }

  ManualClock clock_;
  ServiceOptions options_;
  std::string source_ = "192.0.2.1";
  std::string directory_;
  std::unique_ptr<registry::SqliteRegistry> registry_;
  std::unique_ptr<registry::SqliteControlPlane> control_;
  std::unique_ptr<Service> service_;
};

}  // namespace jitwg::api
