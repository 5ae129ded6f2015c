// Rows, notices and reports as JSON: what goes in comes out, and what makes no sense is refused.
#include "lib/registry/row_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/registry/api_json.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Peer FullPeer() {
  Peer peer = TestPeer(7, {"10.0.0.7/32", "fd00::7/128"});
  peer.name = "caf\xc3\xa9";
  peer.network = "lab";
  peer.preshared_key = GeneratePrivateKey();
  peer.persistent_keepalive = 25;
  peer.pinned = true;
  peer.gateway = "gw-1";
  peer.enabled = false;
  peer.expires_at = WallTime(std::chrono::microseconds(1'700'000'000'123'456));
  peer.created_at = WallTime(std::chrono::microseconds(1'600'000'000'000'001));
  peer.updated_at = WallTime(std::chrono::microseconds(1'600'000'000'000'002));
  return peer;
}

void ExpectSame(const Peer& a, const Peer& b) {
  EXPECT_EQ(a.public_key, b.public_key);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.network, b.network);
  EXPECT_EQ(a.allowed_ips, b.allowed_ips);
  EXPECT_EQ(a.preshared_key.has_value(), b.preshared_key.has_value());
  if (a.preshared_key && b.preshared_key) {
    EXPECT_TRUE(*a.preshared_key == *b.preshared_key);
  }
  EXPECT_EQ(a.persistent_keepalive, b.persistent_keepalive);
  EXPECT_EQ(a.pinned, b.pinned);
  EXPECT_EQ(a.gateway, b.gateway);
  EXPECT_EQ(a.enabled, b.enabled);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.updated_at, b.updated_at);
}

TEST(RowJson, WhatGoesInComesOut) {
  for (const Peer& peer : {FullPeer(), TestPeer(1, {"10.0.0.1/32"})}) {
    const auto back = PeerFromJson(PeerToJson(peer));
    ASSERT_TRUE(back) << back.error().message;
    ExpectSame(peer, *back);
  }
}

TEST(RowJson, TimesBeyond63BitsAreNotTakenForNegativeOnes) {
  for (const char* time : {"18446744073709551615", "9223372036854775808", "-9223372036854775808"}) {
    auto row = json::parse(PeerToJson(FullPeer()));
    row["expires_at"] = json::parse(time);
    EXPECT_FALSE(PeerFromJson(row.dump())) << time;
  }
}

TEST(RowJson, ListsKeepTheirOrder) {
  std::vector<Peer> peers;
  for (unsigned n = 0; n < 3; ++n) {
    peers.push_back(TestPeer(9 - n, {"10.0.0." + std::to_string(n) + "/32"}));
  }
  const auto back = PeersFromJson(PeersToJson(peers));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 3U);
  for (std::size_t n = 0; n < 3; ++n) ExpectSame(peers[n], (*back)[n]);
}

TEST(RowJson, EachMissingOrMistypedMemberIsNamedAndRefused) {
  const json good = json::parse(PeerToJson(FullPeer()));
  for (const auto& [name, value] : good.items()) {
    for (const json& wrong : {json(), json::array({1}), json(-1.5), json("\n"), json::object()}) {
      const bool may_be_null = name == "preshared_key" || name == "expires_at";
      if (may_be_null && wrong.is_null()) continue;
      json row = good;
      row[name] = wrong;
      const auto peer = PeerFromJson(row.dump());
      ASSERT_FALSE(peer) << name << " " << wrong.dump();
      EXPECT_EQ(peer.error().code,
                name == "public_key" ? ErrorCode::kUnavailable : ErrorCode::kDataLoss)
          << name;
    }
    json row = good;
    row.erase(name);
    const auto peer = PeerFromJson(row.dump());
    ASSERT_FALSE(peer) << name;
    EXPECT_THAT(peer.error().message, HasSubstr(name));
  }
}

TEST(RowJson, RowsThatNoStoreAcceptsAreDataLoss) {
  json row = json::parse(PeerToJson(FullPeer()));
  row["allowed_ips"] = {"10.0.0.0/24", "10.0.0.1/32"};
  const auto peer = PeerFromJson(row.dump());
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(peer.error().message, HasSubstr(TestKey(7).ToBase64()));
}

TEST(RowJson, ErrorsNeverRepeatThePresharedKey) {
  json row = json::parse(PeerToJson(FullPeer()));
  const std::string secret = row["preshared_key"];
  row["preshared_key"] = secret.substr(0, 40);
  const auto peer = PeerFromJson(row.dump());
  ASSERT_FALSE(peer);
  EXPECT_EQ(peer.error().message.find(secret.substr(0, 10)), std::string::npos);
}

TEST(RowJson, NonsenseIsAnOutageAndNoCrash) {
  const std::string good = PeerToJson(FullPeer());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(PeerFromJson(good.substr(0, size))) << size;
  }
  const std::string deep(100'000, '[');
  for (const std::string& text : {std::string("null"), std::string("[]"), std::string("{}"), deep,
                                  "{\"peers\":" + deep, std::string("<html>")}) {
    EXPECT_FALSE(PeerFromJson(text));
    EXPECT_FALSE(PeersFromJson(text));
    EXPECT_FALSE(ChangesFromJson(text));
    EXPECT_FALSE(ReportFromJson(text));
    EXPECT_EQ(ErrorFromProblem(502, text).code, ErrorCode::kUnavailable);
  }
}

TEST(RowJson, MembersOfANewerPeerApiAreIgnored) {
  json row = json::parse(PeerToJson(FullPeer()));
  row["colour"] = {{"deep", {1, 2, 3}}};
  EXPECT_TRUE(PeerFromJson(row.dump()));
}

TEST(ApiJson, NoticesComeBack) {
  const ChangePage page{"e1-42", true, {TestKey(1), TestKey(2)}};
  const auto back = ChangesFromJson(ChangesToJson(page));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->cursor, "e1-42");
  EXPECT_TRUE(back->reset);
  EXPECT_EQ(back->keys, page.keys);
}

TEST(ApiJson, HoldersComeBack) {
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    const AddressHolder holder{TestKey(1), Endpoint{*IpAddress::Parse(address), 65535, 0}};
    const auto back = HolderFromJson(HolderToJson(holder));
    ASSERT_TRUE(back && *back) << address;
    EXPECT_EQ((*back)->public_key, TestKey(1));
    EXPECT_EQ((*back)->last_endpoint, holder.last_endpoint);
  }
  const auto unseen = HolderFromJson(HolderToJson(AddressHolder{TestKey(1), {}}));
  ASSERT_TRUE(unseen && *unseen);
  EXPECT_FALSE((*unseen)->last_endpoint);
  const auto nobody = HolderFromJson(HolderToJson(std::nullopt));
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
}

TEST(ApiJson, AHolderWithoutSenseIsAnOutageAndNotNobody) {
  const std::string key = TestKey(1).ToBase64();
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), std::string(R"({"holder": 1})"),
        std::string(R"({"holder": {}})"), R"({"holder": {"public_key": ")" + key + "\"}}",
        R"({"holder": {"public_key": "x", "last_endpoint": null}})" + std::string(),
        R"({"holder": {"public_key": ")" + key + R"(", "last_endpoint": "here"}})"}) {
    const auto read = HolderFromJson(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::kUnavailable) << text;
  }
}

TEST(ApiJson, ReportsComeBack) {
  GatewayReport report;
  report.gateway = {"gw-1", "0.1", 12, {}};
  Sighting seen{TestKey(3),   "gw-1", "wg0",      {},
                std::nullopt, 1,      UINT64_MAX, WallTime(std::chrono::microseconds(5))};
  seen.endpoint = {*IpAddress::Parse("192.0.2.1"), 51820, 0};
  report.sightings.push_back(seen);
  seen.endpoint = {*IpAddress::Parse("2001:db8::1"), 65535, 0};
  seen.last_handshake = WallTime(std::chrono::microseconds(4));
  report.sightings.push_back(seen);
  const auto back = ReportFromJson(ReportToJson(report));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->gateway.name, "gw-1");
  EXPECT_EQ(back->gateway.peers, 12U);
  ASSERT_EQ(back->sightings.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back->sightings[i].endpoint, report.sightings[i].endpoint);
    EXPECT_EQ(back->sightings[i].last_handshake, report.sightings[i].last_handshake);
    EXPECT_EQ(back->sightings[i].tx_bytes, UINT64_MAX);
    EXPECT_EQ(back->sightings[i].seen_at, report.sightings[i].seen_at);
  }
}

TEST(ApiJson, ProblemsBecomeErrors) {
  const Error taken =
      ErrorFromProblem(409, R"({"code":"already_exists","detail":"10.0.0.1/32 is taken\nx"})");
  EXPECT_EQ(taken.code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(taken.message, "10.0.0.1/32 is taken x");
  EXPECT_EQ(ErrorFromProblem(404, R"({"code":"no such code"})").code, ErrorCode::kUnavailable);
  EXPECT_EQ(ErrorFromProblem(404, "").code, ErrorCode::kUnavailable);
  EXPECT_EQ(CodeName(ErrorCode::kDataLoss), "data_loss");
}

}  // namespace
}  // namespace jitwg::registry
