// Batches over a sender that is not transactional.
#include "sniffer/install/batch_apply.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::Creation;
using jitwg::testing::Removal;
using jitwg::testing::TestKey;

// Keeps the peers like the kernel does: a message that fails leaves what came before the fault, and
// the faulty creation itself.
struct Kernel {
  std::size_t fit = 10;
  std::set<PublicKey> peers;
  std::set<PublicKey> faulty;
  Error fault{ErrorCode::kResourceExhausted, "no"};
  bool whole_device = false;
  std::vector<std::size_t> messages;

  BatchSender Sender() {
    return {[this](std::span<const PeerChange> rest) { return std::min(fit, rest.size()); },
            [this](std::span<const PeerChange> batch) { return Send(batch); }};
  }
  SendOutcome Send(std::span<const PeerChange> batch) {
    messages.push_back(batch.size());
    for (const PeerChange& change : batch) {
      if (change.kind == PeerChange::Kind::kRemove) {
        peers.erase(change.public_key);
        continue;
      }
      if (change.kind == PeerChange::Kind::kCreate && !whole_device)
        peers.insert(change.public_key);
      if (faulty.count(change.public_key) != 0) return {fault, whole_device};
    }
    return {};
  }
};

std::vector<PeerChange> Creations(unsigned count) {
  std::vector<PeerChange> changes;
  for (unsigned i = 0; i < count; ++i) changes.push_back(Creation(i, {"10.0.0.1/32"}));
  return changes;
}

TEST(ApplyInBatches, SplitsByWhatFits) {
  Kernel kernel;
  const auto results = ApplyInBatches(Creations(25), kernel.Sender());
  ASSERT_TRUE(results);
  EXPECT_EQ(results->size(), 25u);
  EXPECT_EQ(kernel.messages, (std::vector<std::size_t>{10, 10, 5}));
  EXPECT_EQ(kernel.peers.size(), 25u);
}

TEST(ApplyInBatches, FindsTheFaultyOneAndClearsItAway) {
  Kernel kernel;
  kernel.faulty = {TestKey(3)};
  const auto results = ApplyInBatches(Creations(8), kernel.Sender());
  ASSERT_TRUE(results);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ((*results)[i].has_value(), i != 3) << i;
  EXPECT_EQ((*results)[3].error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(kernel.peers.size(), 7u);
  EXPECT_EQ(kernel.peers.count(TestKey(3)), 0u);
}

TEST(ApplyInBatches, AFailedUpdateRemovesNobody) {
  Kernel kernel;
  kernel.peers = {TestKey(0)};
  kernel.faulty = {TestKey(0)};
  auto changes = Creations(1);
  changes[0].kind = PeerChange::Kind::kUpdate;
  const auto results = ApplyInBatches(changes, kernel.Sender());
  ASSERT_TRUE(results);
  EXPECT_FALSE((*results)[0]);
  EXPECT_EQ(kernel.peers.count(TestKey(0)), 1u);
  EXPECT_EQ(kernel.messages.size(), 1u) << "a message of one need not be sent again";
}

TEST(ApplyInBatches, TheFirstFailureOfTheWholeDeviceIsTheOuterError) {
  Kernel kernel;
  kernel.faulty = {TestKey(0)};
  kernel.fault = {ErrorCode::kNotFound, "gone"};
  kernel.whole_device = true;
  const auto results = ApplyInBatches(Creations(25), kernel.Sender());
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(kernel.messages.size(), 1u);
}

TEST(ApplyInBatches, ALaterFailureOfTheWholeDeviceHitsTheRest) {
  Kernel kernel;
  kernel.faulty = {TestKey(15)};
  kernel.fault = {ErrorCode::kNotFound, "gone"};
  kernel.whole_device = true;
  const auto results = ApplyInBatches(Creations(25), kernel.Sender());
  ASSERT_TRUE(results);
  for (std::size_t i = 0; i < 25; ++i) EXPECT_EQ((*results)[i].has_value(), i < 10) << i;
  EXPECT_EQ(kernel.messages.size(), 2u);
}

TEST(ApplyInBatches, ATimeOutIsEachPeersOwnBecauseNobodyKnows) {
  Kernel kernel;
  kernel.faulty = {TestKey(0)};
  kernel.fault = {ErrorCode::kDeadlineExceeded, "late"};
  kernel.whole_device = true;
  const auto results = ApplyInBatches(Creations(3), kernel.Sender());
  ASSERT_TRUE(results);
  for (const Status& status : *results) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kDeadlineExceeded);
  }
}

TEST(ApplyInBatches, TellsWhenTheRestOfAPeerCouldNotBeRemoved) {
  const BatchSender broken{[](std::span<const PeerChange> rest) { return rest.size(); },
                           [](std::span<const PeerChange>) {
                             return SendOutcome{Error{ErrorCode::kInternal, "no"}, false};
                           }};
  const auto results = ApplyInBatches(Creations(1), broken);
  ASSERT_TRUE(results);
  EXPECT_NE((*results)[0].error().message.find("removing"), std::string::npos);
  EXPECT_EQ((*results)[0].error().code, ErrorCode::kDeadlineExceeded) << "it may still be there";
}

TEST(ApplyInBatches, WhatAHalfCarriedOutMessageMayHaveLeftIsInDoubt) {
  // The message of three fails at its last change; then the device stops answering.
  std::size_t sent = 0;
  const BatchSender sender{[](std::span<const PeerChange>) { return std::size_t{3}; },
                           [&sent](std::span<const PeerChange>) {
                             const bool first = sent++ == 0;
                             return SendOutcome{Error{ErrorCode::kPermissionDenied, "no"}, !first};
                           }};
  const auto results = ApplyInBatches(Creations(4), sender);
  ASSERT_TRUE(results);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*results)[i].error().code, ErrorCode::kDeadlineExceeded) << i;
  }
  EXPECT_EQ((*results)[3].error().code, ErrorCode::kPermissionDenied) << "it was never sent";
}

TEST(ApplyInBatches, ASenderThatFitsNothingStillGetsOneAtATime) {
  Kernel kernel;
  kernel.fit = 0;
  ASSERT_TRUE(ApplyInBatches(Creations(3), kernel.Sender()));
  EXPECT_EQ(kernel.messages, (std::vector<std::size_t>{1, 1, 1}));
}

}  // namespace
}  // namespace jitwg::sniffer
