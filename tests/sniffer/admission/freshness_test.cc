#include "sniffer/admission/freshness.h"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <random>
#include <set>

namespace jitwg::sniffer {
namespace {

PublicKey Key(std::uint32_t number) {
  PublicKey key;
  for (std::size_t at = 0; at < 4; ++at) {
    key.bytes[at] = static_cast<std::uint8_t>(number >> (8 * at));
  }
  return key;
}

Tai64n Stamp(std::int64_t seconds, std::uint32_t nanoseconds = 0) {
  return Tai64n::FromUnix(seconds, nanoseconds);
}

TEST(FreshnessTable, TakesOnlyStrictlyNewerStamps) {
  FreshnessTable table(16);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100, 5)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100, 5)), AdmissionVerdict::kSameStamp);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100, 4)), AdmissionVerdict::kOlderStamp);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(99, 999)), AdmissionVerdict::kOlderStamp);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100, 6)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100, 5)), AdmissionVerdict::kOlderStamp);
}

TEST(FreshnessTable, KeepsKeysAndInterfacesApart) {
  FreshnessTable table(16);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(2), Stamp(50)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(2, Key(1), Stamp(50)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(50)), AdmissionVerdict::kOlderStamp);
  EXPECT_EQ(table.size(), 3U);
}

TEST(FreshnessTable, TheOldestKeyMakesRoomAndARefusedStampIsAUse) {
  FreshnessTable table(3);
  for (const std::uint32_t number : {1U, 2U, 3U}) table.Observe(1, Key(number), Stamp(100));
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(90)), AdmissionVerdict::kOlderStamp);
  EXPECT_EQ(table.Observe(1, Key(4), Stamp(100)), AdmissionVerdict::kAdmitted);  // in place of 2
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100)), AdmissionVerdict::kSameStamp);
  EXPECT_EQ(table.Observe(1, Key(3), Stamp(100)), AdmissionVerdict::kSameStamp);
  EXPECT_EQ(table.Observe(1, Key(2), Stamp(1)), AdmissionVerdict::kAdmitted);
}

TEST(FreshnessTable, ForgetsOneKeyOnOneInterface) {
  FreshnessTable table(4);
  table.Observe(1, Key(1), Stamp(100));
  table.Observe(2, Key(1), Stamp(100));
  EXPECT_TRUE(table.Forget(1, Key(1)));
  EXPECT_FALSE(table.Forget(1, Key(1)));
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(1)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(2, Key(1), Stamp(1)), AdmissionVerdict::kOlderStamp);
}

TEST(FreshnessTable, ATableForOneKeyWorks) {
  FreshnessTable table(0);  // becomes 1
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100)), AdmissionVerdict::kSameStamp);
  EXPECT_EQ(table.Observe(1, Key(2), Stamp(100)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.Observe(1, Key(1), Stamp(100)), AdmissionVerdict::kAdmitted);
  EXPECT_EQ(table.size(), 1U);
}

TEST(FreshnessTable, MemoryIsFixed) {
  FreshnessTable table(1000);
  const std::size_t before = table.memory_bytes();
  EXPECT_LT(before, 1000U * 80);
  for (std::uint32_t number = 0; number < 20000; ++number) {
    table.Observe(number % 3, Key(number), Stamp(number));
  }
  EXPECT_EQ(table.memory_bytes(), before);
  EXPECT_EQ(table.size(), 1000U);
}

// The same in the plainest way: a list from most to least recently used.
class Model {
 public:
  explicit Model(std::size_t capacity) : capacity_(capacity) {}

  AdmissionVerdict Observe(std::uint32_t interface_id, const PublicKey& key, const Tai64n& stamp) {
    for (auto it = rows_.begin(); it != rows_.end(); ++it) {
      if (it->interface_id != interface_id || it->key != key) continue;
      rows_.splice(rows_.begin(), rows_, it);
      if (stamp == it->newest) return AdmissionVerdict::kSameStamp;
      if (stamp < it->newest) return AdmissionVerdict::kOlderStamp;
      it->newest = stamp;
      return AdmissionVerdict::kAdmitted;
    }
    if (rows_.size() == capacity_) rows_.pop_back();
    rows_.push_front({interface_id, key, stamp});
    return AdmissionVerdict::kAdmitted;
  }
  bool Forget(std::uint32_t interface_id, const PublicKey& key) {
    return rows_.remove_if([&](const Row& row) {
      return row.interface_id == interface_id && row.key == key;
    }) != 0;
  }
  std::size_t size() const { return rows_.size(); }

 private:
  struct Row {
    std::uint32_t interface_id;
    PublicKey key;
    Tai64n newest;
  };
  const std::size_t capacity_;
  std::list<Row> rows_;
};

TEST(FreshnessTable, AgreesWithAPlainModelOnRandomCalls) {
  std::mt19937 random(5);
  for (const std::size_t capacity : {1U, 2U, 7U, 32U}) {
    FreshnessTable table(capacity);
    Model model(capacity);
    for (int call = 0; call < 20000; ++call) {
      const auto interface_id = static_cast<std::uint32_t>(random() % 2);
      const PublicKey key = Key(static_cast<std::uint32_t>(random() % 40));
      const Tai64n stamp = Stamp(static_cast<std::int64_t>(random() % 50));
      if (random() % 20 == 0) {
        ASSERT_EQ(table.Forget(interface_id, key), model.Forget(interface_id, key));
      } else {
        ASSERT_EQ(table.Observe(interface_id, key, stamp), model.Observe(interface_id, key, stamp));
      }
      ASSERT_EQ(table.size(), model.size());
    }
  }
}

TEST(AdmissionVerdictLabels, AreDistinct) {
  std::set<std::string_view> labels;
  for (std::size_t value = 0; value < kAdmissionVerdictCount; ++value) {
    labels.insert(ToString(static_cast<AdmissionVerdict>(value)));
  }
  EXPECT_EQ(labels.size(), kAdmissionVerdictCount);
  EXPECT_FALSE(labels.contains("unknown"));
}

}  // namespace
}  // namespace jitwg::sniffer
