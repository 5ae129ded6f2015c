#include "sniffer/installer_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/server.h"
#include "tests/rpc/temp_dir.h"
#include "tests/sniffer/core/gateway.h"

namespace jitwg::sniffer {
namespace {

using ::testing::HasSubstr;

class InstallerServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Serve("wg0", 1);
    auto completions = Completions::Choose("initiate", {}, held_, own_copies_);
    ASSERT_TRUE(completions) << completions.error().message;
    completions_.emplace(std::move(*completions));
    service_ = std::make_unique<InstallerService>(gateway_.clock, gateway_.interfaces, initiations_,
                                                  *completions_, &demands_);
    auto server = rpc::Server::Start({dir_.File("s.sock"), {}, 4 << 20}, {service_.get()});
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    stub_ = v1::PeerInstaller::NewStub(rpc::MakeChannel(dir_.File("s.sock")).value());
  }

  static v1::PeerSpec SpecFor(const PublicKey& key, const std::string& address) {
    v1::PeerSpec spec;
    spec.set_public_key(rpc::ToBytes(key));
    rpc::Fill(IpPrefix::Parse(address).value(), spec.add_allowed_ips());
    return spec;
  }

  static v1::InstallPeersRequest RequestOf(const v1::PeerSpec& spec) {
    v1::InstallPeersRequest request;
    request.set_interface("wg0");
    *request.add_peers() = spec;
    return request;
  }

  grpc::Status Install(const v1::InstallPeersRequest& request) {
    grpc::ClientContext context;
    rpc::SetTimeout(context, std::chrono::seconds(30));
    response_.Clear();
    return stub_->InstallPeers(&context, request, &response_);
  }

  v1::PeerOutcome Outcome() const { return response_.results(0).outcome(); }

  RememberedInitiation InitiationOf(const PublicKey& key, const std::string& interface) {
    return {0,
            key,
            interface,
            {IpAddress::Parse("192.0.2.7").value(), 40000, 0},
            {IpAddress::Parse("198.51.100.1").value(), 51820, 0},
            Tai64n::FromUnix(5, 0),
            gateway_.clock.SteadyNow()};
  }

  Gateway gateway_;
  InitiationTable initiations_;
  HeldInitiations held_;
  DemandTable demands_;
  OwnCopies own_copies_;
  std::optional<Completions> completions_;
  rpc::TempDir dir_;
  std::unique_ptr<InstallerService> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::PeerInstaller::Stub> stub_;
  v1::InstallPeersResponse response_;
  const PublicKey key_ = Gateway::KeyOf(100);
};

TEST_F(InstallerServiceTest, InstallsAndSaysSo) {
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "10.8.0.2/32"))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_INSTALLED);
  EXPECT_EQ(response_.results(0).public_key(), rpc::ToBytes(key_));
  ASSERT_TRUE(gateway_.kernel.Peer("wg0", key_));
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "10.8.0.2/32"))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_UNCHANGED);
}

TEST_F(InstallerServiceTest, CompletionTakesTheAddressFromTheSniffersOwnMemory) {
  v1::PeerSpec spec = SpecFor(key_, "10.8.0.2/32");
  spec.set_initiation_id(initiations_.Add(InitiationOf(key_, "wg0")));
  ASSERT_TRUE(Install(RequestOf(spec)).ok());
  const auto peer = gateway_.kernel.Peer("wg0", key_);
  ASSERT_TRUE(peer && peer->endpoint);
  EXPECT_EQ(peer->endpoint->ToString(), "192.0.2.7:40000");
  EXPECT_EQ(gateway_.kernel.Initiations("wg0", key_), 1U);
}

TEST_F(InstallerServiceTest, AnothersOrAForgottenInitiationGivesNoAddress) {
  v1::PeerSpec spec = SpecFor(key_, "10.8.0.2/32");
  spec.set_initiation_id(initiations_.Add(InitiationOf(Gateway::KeyOf(101), "wg0")));
  ASSERT_TRUE(Install(RequestOf(spec)).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_INSTALLED);
  EXPECT_FALSE(gateway_.kernel.Peer("wg0", key_)->endpoint);

  v1::PeerSpec other = SpecFor(Gateway::KeyOf(102), "10.8.0.3/32");
  other.set_initiation_id(12345);
  ASSERT_TRUE(Install(RequestOf(other)).ok());
  EXPECT_FALSE(gateway_.kernel.Peer("wg0", Gateway::KeyOf(102))->endpoint);
}

TEST_F(InstallerServiceTest, RetryCallsNobody) {
  v1::PeerSpec spec = SpecFor(key_, "10.8.0.2/32");
  spec.set_initiation_id(initiations_.Add(InitiationOf(key_, "wg0")));
  v1::InstallPeersRequest request = RequestOf(spec);
  request.set_completion(v1::COMPLETION_RETRY);
  ASSERT_TRUE(Install(request).ok());
  EXPECT_EQ(gateway_.kernel.Initiations("wg0", key_), 0U);
}

TEST_F(InstallerServiceTest, AMalformedPeerRefusesTheWholeCallAndInstallsNothing) {
  v1::InstallPeersRequest request = RequestOf(SpecFor(key_, "10.8.0.2/32"));
  request.add_peers()->set_public_key("short");
  const grpc::Status status = Install(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("peers[1]"));
  EXPECT_EQ(gateway_.kernel.peer_count("wg0"), 0U);
}

TEST_F(InstallerServiceTest, EveryMalformedFieldIsAnInvalidArgument) {
  v1::PeerSpec bad_psk = SpecFor(key_, "10.8.0.2/32");
  bad_psk.set_preshared_key(std::string(31, 'p'));
  v1::PeerSpec bad_keepalive = SpecFor(key_, "10.8.0.2/32");
  bad_keepalive.set_persistent_keepalive_seconds(65536);
  v1::PeerSpec bad_length = SpecFor(key_, "10.8.0.2/32");
  bad_length.mutable_allowed_ips(0)->set_length(33);
  for (const v1::PeerSpec& spec : {bad_psk, bad_keepalive, bad_length}) {
    EXPECT_EQ(Install(RequestOf(spec)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  v1::InstallPeersRequest bad_completion = RequestOf(SpecFor(key_, "10.8.0.2/32"));
  bad_completion.set_completion(static_cast<v1::Completion>(99));
  EXPECT_EQ(Install(bad_completion).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::InstallPeersRequest many;
  many.set_interface("wg0");
  for (int i = 0; i < 257; ++i) *many.add_peers() = SpecFor(key_, "10.8.0.2/32");
  EXPECT_EQ(Install(many).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(gateway_.kernel.peer_count("wg0"), 0U);
}

TEST_F(InstallerServiceTest, AnUnknownInterfaceIsNotFoundAndTheServedOnesAreNamed) {
  v1::InstallPeersRequest request = RequestOf(SpecFor(key_, "10.8.0.2/32"));
  request.set_interface("wg9");
  const grpc::Status status = Install(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("wg0"));
}

TEST_F(InstallerServiceTest, TheGuardsRefusalsAreTold) {
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "192.168.0.1/32"))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_REFUSED_PREFIX);
  EXPECT_FALSE(response_.results(0).message().empty());
  ASSERT_TRUE(Install(RequestOf(SpecFor(Gateway::KeyOf(1), "10.8.0.1/32"))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_REFUSED_OWN_KEY);
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "10.8.0.2/32"))).ok());
  ASSERT_TRUE(Install(RequestOf(SpecFor(Gateway::KeyOf(101), "10.8.0.0/24"))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_REFUSED_ADDRESS_TAKEN);
}

TEST_F(InstallerServiceTest, RemovesOwnPeersOnly) {
  KernelPeer foreign;
  foreign.public_key = Gateway::KeyOf(200);
  gateway_.kernel.AddForeignPeer("wg0", foreign);
  ASSERT_TRUE(gateway_.managers["wg0"]->Refresh());
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "10.8.0.2/32"))).ok());
  v1::RemovePeersRequest request;
  request.set_interface("wg0");
  for (const PublicKey& key : {key_, foreign.public_key, Gateway::KeyOf(300)}) {
    request.add_public_keys(rpc::ToBytes(key));
  }
  grpc::ClientContext context;
  v1::RemovePeersResponse response;
  ASSERT_TRUE(stub_->RemovePeers(&context, request, &response).ok());
  EXPECT_EQ(response.results(0).outcome(), v1::PEER_OUTCOME_REMOVED);
  EXPECT_EQ(response.results(1).outcome(), v1::PEER_OUTCOME_REFUSED_FOREIGN);
  EXPECT_EQ(response.results(2).outcome(), v1::PEER_OUTCOME_ABSENT);
  EXPECT_EQ(gateway_.kernel.peer_count("wg0"), 1U);
}

TEST_F(InstallerServiceTest, ACallThatWasGivenUpUndoesNothing) {
  const auto install = [&](std::uint64_t caller, std::uint64_t number, std::uint64_t oldest_open,
                           const std::string& address) {
    v1::InstallPeersRequest request = RequestOf(SpecFor(key_, address));
    request.mutable_order()->set_caller(caller);
    request.mutable_order()->set_number(number);
    request.mutable_order()->set_oldest_open(oldest_open);
    return Install(request).ok() ? Outcome() : v1::PEER_OUTCOME_UNSPECIFIED;
  };
  const auto address = [&] {
    return gateway_.managers["wg0"]->List()->peers.at(0).peer.allowed_ips.at(0).ToString();
  };
  EXPECT_EQ(install(7, 3, 2, "10.8.0.3/32"), v1::PEER_OUTCOME_INSTALLED);
  EXPECT_EQ(install(7, 1, 1, "10.8.0.2/32"), v1::PEER_OUTCOME_FAILED);
  EXPECT_THAT(response_.results(0).message(), HasSubstr("gave the call up"));
  EXPECT_EQ(response_.results(0).public_key(), rpc::ToBytes(key_));
  EXPECT_EQ(address(), "10.8.0.3/32");
  EXPECT_EQ(install(7, 2, 1, "10.8.0.4/32"), v1::PEER_OUTCOME_UPDATED);  // still waited for
  EXPECT_EQ(install(8, 1, 1, "10.8.0.5/32"), v1::PEER_OUTCOME_UPDATED);  // another caller's
  EXPECT_EQ(install(7, 4, 5, "10.8.0.6/32"), v1::PEER_OUTCOME_UNSPECIFIED);

  v1::RemovePeersRequest removal;
  removal.set_interface("wg0");
  removal.add_public_keys(rpc::ToBytes(key_));
  removal.mutable_order()->set_caller(7);
  removal.mutable_order()->set_number(1);
  grpc::ClientContext context;
  v1::RemovePeersResponse removed;
  ASSERT_TRUE(stub_->RemovePeers(&context, removal, &removed).ok());
  EXPECT_EQ(removed.results(0).outcome(), v1::PEER_OUTCOME_FAILED);
  EXPECT_EQ(address(), "10.8.0.5/32");
}

TEST_F(InstallerServiceTest, ListsInChunksAndMarksItsOwn) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    KernelPeer foreign;
    foreign.public_key = Gateway::KeyOf(1000 + i);
    gateway_.kernel.AddForeignPeer("wg0", foreign);
  }
  ASSERT_TRUE(gateway_.managers["wg0"]->Refresh());
  ASSERT_TRUE(Install(RequestOf(SpecFor(key_, "10.8.0.2/32"))).ok());
  grpc::ClientContext context;
  v1::ListPeersRequest request;
  request.set_interface("wg0");
  const auto reader = stub_->ListPeers(&context, request);
  int peers = 0;
  int own = 0;
  v1::ListPeersResponse chunk;
  while (reader->Read(&chunk)) {
    peers += chunk.peers_size();
    for (const auto& peer : chunk.peers()) own += peer.own() ? 1 : 0;
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(peers, 301);
  EXPECT_EQ(own, 1);
}

TEST_F(InstallerServiceTest, TellsWhatItKnowsOfAnInterface) {
  grpc::ClientContext context;
  v1::GetInterfaceResponse response;
  ASSERT_TRUE(stub_->GetInterface(&context, {}, &response).ok());
  ASSERT_EQ(response.interfaces_size(), 1);
  const v1::InterfaceState& state = response.interfaces(0);
  EXPECT_EQ(state.interface(), "wg0");
  EXPECT_TRUE(state.present());
  EXPECT_EQ(state.public_key(), rpc::ToBytes(Gateway::KeyOf(1)));
  EXPECT_EQ(state.listen_port(), 51820U);
  EXPECT_EQ(state.allowed_prefixes_size(), 2);
  EXPECT_EQ(state.backend(), "fake");
}

class InstallerServiceOutboundTest : public InstallerServiceTest {
 protected:
  std::uint64_t DemandFor(const std::string& address, const std::string& interface = "wg0") {
    return demands_.Add({interface, IpAddress::Parse(address).value(), gateway_.clock.SteadyNow()});
  }
  v1::PeerSpec OutboundSpec(std::uint64_t demand_id) {
    v1::PeerSpec spec = SpecFor(key_, "10.8.0.0/24");
    spec.set_demand_id(demand_id);
    rpc::Fill(kSuggested, spec.mutable_suggested_endpoint());
    return spec;
  }
  const Endpoint kSuggested{IpAddress::Parse("203.0.113.9").value(), 4000, 0};
};

TEST_F(InstallerServiceOutboundTest, ADemandOfThePeersAddressLetsThePeerBeCalled) {
  ASSERT_TRUE(Install(RequestOf(OutboundSpec(DemandFor("10.8.0.77")))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_INSTALLED);
  EXPECT_EQ(gateway_.kernel.Peer("wg0", key_)->endpoint, kSuggested);
  EXPECT_EQ(gateway_.kernel.Initiations("wg0", key_), 1U);
}

TEST_F(InstallerServiceOutboundTest, ADemandServesOnceAndOnlyForItsAddressAndInterface) {
  const std::uint64_t id = DemandFor("10.8.0.77");
  ASSERT_TRUE(Install(RequestOf(OutboundSpec(id))).ok());
  gateway_.managers["wg0"]->Remove(std::span(&key_, 1));
  for (const std::uint64_t none :
       {id, DemandFor("10.8.1.1"), DemandFor("10.8.0.77", "wg1"), std::uint64_t{12345}}) {
    ASSERT_TRUE(Install(RequestOf(OutboundSpec(none))).ok());
    EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_NO_ENDPOINT);
    EXPECT_FALSE(response_.results(0).message().empty());
  }
  EXPECT_EQ(gateway_.kernel.peer_count("wg0"), 0U);
}

TEST_F(InstallerServiceOutboundTest, AnEndpointWithoutADemandIsNotUsed) {
  ASSERT_TRUE(Install(RequestOf(OutboundSpec(0))).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_INSTALLED);
  EXPECT_FALSE(gateway_.kernel.Peer("wg0", key_)->endpoint);
}

TEST_F(InstallerServiceOutboundTest, ACallersOwnAddressWinsOverADemand) {
  v1::PeerSpec spec = OutboundSpec(DemandFor("10.8.0.77"));
  spec.set_initiation_id(initiations_.Add(InitiationOf(key_, "wg0")));
  ASSERT_TRUE(Install(RequestOf(spec)).ok());
  EXPECT_EQ(gateway_.kernel.Peer("wg0", key_)->endpoint->ToString(), "192.0.2.7:40000");
}

TEST_F(InstallerServiceOutboundTest, AMalformedSuggestionIsRefused) {
  v1::PeerSpec spec = OutboundSpec(DemandFor("10.8.0.77"));
  spec.mutable_suggested_endpoint()->set_address("abc");
  EXPECT_EQ(Install(RequestOf(spec)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(InstallerServiceTest, WithoutOutboundNoDemandIsServed) {
  InstallerService off(gateway_.clock, gateway_.interfaces, initiations_, *completions_);
  rpc::TempDir dir;
  auto server = rpc::Server::Start({dir.File("s.sock"), {}, 4 << 20}, {&off});
  ASSERT_TRUE(server);
  stub_ = v1::PeerInstaller::NewStub(rpc::MakeChannel(dir.File("s.sock")).value());
  v1::PeerSpec spec = SpecFor(key_, "10.8.0.2/32");
  spec.set_demand_id(
      demands_.Add({"wg0", IpAddress::Parse("10.8.0.2").value(), gateway_.clock.SteadyNow()}));
  rpc::Fill(Endpoint{IpAddress::Parse("203.0.113.9").value(), 4000, 0},
            spec.mutable_suggested_endpoint());
  ASSERT_TRUE(Install(RequestOf(spec)).ok());
  EXPECT_EQ(Outcome(), v1::PEER_OUTCOME_NO_ENDPOINT);
  EXPECT_EQ(gateway_.kernel.peer_count("wg0"), 0U);
}

}  // namespace
}  // namespace jitwg::sniffer
