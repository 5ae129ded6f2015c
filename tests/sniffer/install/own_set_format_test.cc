// The journal's bytes: what may be claimed after any damage.
#include "sniffer/install/own_set_format.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sniffer/install/contract_harness.h"

namespace jitwg::sniffer {
namespace {

using jitwg::testing::TestKey;

JournalIdentity Identity() {
  return {"01234567-89ab-cdef-0123-456789abcdef", 4026531840, 7, TestKey(1000)};
}

// Added 1, 2, 3; dropped 2.
JournalBytes Sample() {
  JournalBytes bytes;
  AppendHeader(Identity(), bytes);
  AppendAdded({TestKey(1), 100}, bytes);
  AppendAdded({TestKey(2), 200}, bytes);
  AppendAdded({TestKey(3), 300}, bytes);
  AppendDropped(TestKey(2), bytes);
  return bytes;
}

std::vector<OwnRecord> Sorted(std::vector<OwnRecord> records) {
  std::sort(records.begin(), records.end(),
            [](const OwnRecord& a, const OwnRecord& b) { return a.public_key < b.public_key; });
  return records;
}

TEST(DecodeJournal, ReadsWhatWasWritten) {
  const auto decoded = DecodeJournal(Sample(), Identity());
  EXPECT_EQ(decoded.own, Sorted({{TestKey(1), 100}, {TestKey(3), 300}}));
  EXPECT_EQ(decoded.warning, "");
  EXPECT_FALSE(decoded.damaged);
}

TEST(DecodeJournal, AnEmptyFileIsNoFault) {
  const auto decoded = DecodeJournal({}, Identity());
  EXPECT_TRUE(decoded.own.empty());
  EXPECT_EQ(decoded.warning, "");
  EXPECT_FALSE(decoded.damaged);
}

TEST(DecodeJournal, ClaimsNothingOfAnotherInterfaceObject) {
  auto other = Identity();
  other.ifindex = 8;
  EXPECT_TRUE(DecodeJournal(Sample(), other).own.empty());
  other = Identity();
  other.network_namespace++;
  EXPECT_TRUE(DecodeJournal(Sample(), other).own.empty());
  other = Identity();
  other.boot_id[0] = 'f';
  EXPECT_TRUE(DecodeJournal(Sample(), other).own.empty());
  EXPECT_EQ(DecodeJournal(Sample(), other).warning, "") << "every reboot does it";
  other.boot_id.clear();
  EXPECT_TRUE(DecodeJournal(Sample(), other).own.empty());
}

TEST(DecodeJournal, AnotherKeyOnTheSameObjectKeepsThePeers) {
  auto rekeyed = Identity();
  rekeyed.public_key = TestKey(1001);
  EXPECT_EQ(DecodeJournal(Sample(), rekeyed).own.size(), 2u);
}

TEST(DecodeJournal, CutAnywhereItClaimsOnlyWholeRecords) {
  const auto whole = Sample();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const JournalBytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = DecodeJournal(cut, Identity());
    if (size < kJournalHeaderSize) {
      EXPECT_TRUE(decoded.own.empty()) << size;
      EXPECT_TRUE(decoded.damaged) << size;
      continue;
    }
    const std::size_t records = (size - kJournalHeaderSize) / kJournalRecordSize;
    EXPECT_EQ(decoded.own.size(), records) << size;
    const bool at_a_border = (size - kJournalHeaderSize) % kJournalRecordSize == 0;
    EXPECT_EQ(decoded.warning.empty(), at_a_border) << size;
    EXPECT_FALSE(decoded.damaged) << size;
  }
}

TEST(DecodeJournal, AnyChangedBitClaimsNothing) {
  const auto whole = Sample();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto changed = whole;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
    const auto decoded = DecodeJournal(changed, Identity());
    EXPECT_TRUE(decoded.own.empty()) << bit;
    EXPECT_TRUE(decoded.damaged) << bit;
    EXPECT_FALSE(decoded.warning.empty()) << bit;
  }
}

TEST(DecodeJournal, RefusesWhatIsNoJournalOrTooLarge) {
  const JournalBytes text(500, 'x');
  EXPECT_TRUE(DecodeJournal(text, Identity()).damaged);
  auto large = Sample();
  large.resize(kMaxJournalSize + 1);
  EXPECT_TRUE(DecodeJournal(large, Identity()).damaged);
}

}  // namespace
}  // namespace jitwg::sniffer
