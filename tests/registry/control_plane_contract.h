// What every control plane must do, as one suite. A store joins by INSTANTIATE_TEST_SUITE_P with a
// way to make it.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "lib/registry/control_plane.h"
#include "tests/registry/registry_contract.h"

namespace jitwg::registry {

// One store with its data: the API's way into it, a second process's, and the gateways'.
class ControlPlaneUnderTest {
 public:
  virtual ~ControlPlaneUnderTest() = default;
  virtual ControlPlane& control() = 0;
  virtual ControlPlane& other() = 0;
  virtual Registry& registry() = 0;
};

struct ControlPlaneKind {
  std::string name;
  std::function<std::unique_ptr<ControlPlaneUnderTest>(const Clock&)> make;
};

inline void PrintTo(const ControlPlaneKind& kind, std::ostream* out) { *out << kind.name; }

class ControlPlaneContract : public testing::TestWithParam<ControlPlaneKind> {
 protected:
  ControlPlane& control() { return store_->control(); }
  ControlPlane& other() { return store_->other(); }
  Registry& registry() { return store_->registry(); }

  void PutPools(const std::string& network, const std::vector<std::string>& prefixes) {
    Network row;
    row.name = network;
    for (const std::string& prefix : prefixes) row.pools.push_back(*IpPrefix::Parse(prefix));
    const auto put = control().PutNetwork(row);
    ASSERT_TRUE(put) << put.error().message;
  }
  // The addresses of a peer of which nothing but the key is wished; the error's message else.
  std::vector<std::string> Allocate(unsigned number) {
    const auto created = control().Create(TestPeer(number, {}));
    if (!created) return {created.error().message};
    return Texts(created->peer.allowed_ips);
  }
  static std::vector<std::string> Texts(const std::vector<IpPrefix>& prefixes) {
    std::vector<std::string> texts;
    for (const IpPrefix& prefix : prefixes) texts.push_back(prefix.ToString());
    return texts;
  }
  template <class T>
  static ErrorCode CodeOf(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::kInternal : result.error().code;
  }
  std::vector<PublicKey> Found(const PeerFilter& filter) {
    std::vector<PublicKey> keys;
    const auto found = control().Search(filter);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    if (!found) return keys;
    for (const Peer& peer : *found) keys.push_back(peer.public_key);
    return keys;
  }

  ManualClock clock_;
  std::unique_ptr<ControlPlaneUnderTest> store_ = GetParam().make(clock_);
};

}  // namespace jitwg::registry
