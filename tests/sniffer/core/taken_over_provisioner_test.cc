// Whoever owns the provisioner speaks to the sniffer's services: asks for keys, for addresses that
// are not the gateway's to give, and for the end of peers that jitwg did not make.
#include <gtest/gtest.h>

#include <algorithm>

#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"
#include "lib/rpc/server.h"
#include "sniffer/installer_service.h"
#include "tests/rpc/temp_dir.h"
#include "tests/sniffer/core/gateway.h"

namespace jitwg::sniffer {
namespace {

class TakenOverProvisioner : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Serve("wg0", 1);
    completions_.emplace(Completions::Choose("retry", {}, held_, own_copies_).value());
    service_ = std::make_unique<InstallerService>(gateway_.clock, gateway_.interfaces, initiations_,
                                                  *completions_, nullptr);
    server_ = rpc::Server::Start({dir_.File("s.sock"), {}, 4 << 20}, {service_.get()}).value();
    stub_ = v1::PeerInstaller::NewStub(rpc::MakeChannel(dir_.File("s.sock")).value());
  }

  // What comes back from asking for a peer with these addresses and a preshared key.
  v1::InstallPeersResponse Install(const PublicKey& key, const std::string& prefix) {
    v1::InstallPeersRequest request;
    request.set_interface("wg0");
    v1::PeerSpec* spec = request.add_peers();
    spec->set_public_key(rpc::ToBytes(key));
    spec->set_preshared_key(Text(preshared_));
    rpc::Fill(IpPrefix::Parse(prefix).value(), spec->add_allowed_ips());
    grpc::ClientContext context;
    rpc::SetTimeout(context, std::chrono::seconds(30));
    v1::InstallPeersResponse response;
    const grpc::Status status = stub_->InstallPeers(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static std::string Text(const PrivateKey& key) {
    return {key.bytes().begin(), key.bytes().end()};
  }

  Gateway gateway_;
  InitiationTable initiations_;
  HeldInitiations held_;
  OwnCopies own_copies_;
  std::optional<Completions> completions_;
  rpc::TempDir dir_;
  std::unique_ptr<InstallerService> service_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<v1::PeerInstaller::Stub> stub_;
  const PrivateKey preshared_ = test::KeyFromSeed(77);
  const PublicKey key_ = Gateway::KeyOf(100);
};

TEST_F(TakenOverProvisioner, GetsNoSecretInAnyAnswer) {
  std::string answers = Install(key_, "10.8.0.2/32").SerializeAsString();
  grpc::ClientContext context;
  v1::GetInterfaceResponse interface;
  ASSERT_TRUE(stub_->GetInterface(&context, {}, &interface).ok());
  answers += interface.SerializeAsString();
  grpc::ClientContext listing;
  v1::ListPeersRequest list;
  list.set_interface("wg0");
  const auto reader = stub_->ListPeers(&listing, list);
  for (v1::ListPeersResponse chunk; reader->Read(&chunk);) answers += chunk.SerializeAsString();
  ASSERT_TRUE(reader->Finish().ok());
  ASSERT_NE(answers.find(rpc::ToBytes(key_)), std::string::npos) << "nothing was looked at";
  EXPECT_EQ(answers.find(Text(test::KeyFromSeed(1))), std::string::npos) << "the private key";
  EXPECT_EQ(answers.find(Text(preshared_)), std::string::npos) << "a preshared key";
}

TEST_F(TakenOverProvisioner, GivesNobodyAnAddressOutsideTheAllowList) {
  for (const char* prefix :
       {"10.9.0.1/32", "10.8.0.0/15", "0.0.0.0/0", "::/0", "192.0.2.1/32", "fd09::1/128"}) {
    const auto response = Install(key_, prefix);
    ASSERT_EQ(response.results_size(), 1) << prefix;
    EXPECT_EQ(response.results(0).outcome(), v1::PEER_OUTCOME_REFUSED_PREFIX) << prefix;
    EXPECT_FALSE(gateway_.kernel.Peer("wg0", key_)) << prefix;
  }
}

TEST_F(TakenOverProvisioner, PutsNoHandMadePeerOut) {
  const PublicKey hand_made = Gateway::KeyOf(55);
  KernelPeer peer;
  peer.public_key = hand_made;
  peer.allowed_ips = {IpPrefix::Parse("10.8.0.9/32").value()};
  gateway_.kernel.AddForeignPeer("wg0", peer);
  ASSERT_TRUE(gateway_.managers["wg0"]->Refresh());
  v1::RemovePeersRequest request;
  request.set_interface("wg0");
  request.add_public_keys(rpc::ToBytes(hand_made));
  grpc::ClientContext context;
  v1::RemovePeersResponse response;
  ASSERT_TRUE(stub_->RemovePeers(&context, request, &response).ok());
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).outcome(), v1::PEER_OUTCOME_REFUSED_FOREIGN);
  EXPECT_TRUE(gateway_.kernel.Peer("wg0", hand_made));
  // Nor does it get the peer's address by asking for it.
  EXPECT_EQ(Install(key_, "10.8.0.9/32").results(0).outcome(),
            v1::PEER_OUTCOME_REFUSED_ADDRESS_TAKEN);
  EXPECT_TRUE(gateway_.kernel.Peer("wg0", hand_made));
}

}  // namespace
}  // namespace jitwg::sniffer
