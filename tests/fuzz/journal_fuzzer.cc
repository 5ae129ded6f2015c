// The own-set journal: any bytes, and journals that the input builds, whole, cut off or with one
// bit changed. A damaged journal claims nothing; one that was cut claims what its whole records do.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sniffer/install/own_set_format.h"
#include "tests/fuzz/input.h"

namespace {

using namespace jitwg::sniffer;
using jitwg::PublicKey;
using jitwg::test::Input;
using jitwg::test::Require;

const JournalIdentity& Ours() {
  static const JournalIdentity identity{std::string(36, 'b'), 1, 7, {}};
  return identity;
}

using Model = std::map<PublicKey, std::int64_t>;

void AppendRecord(Input& input, Model& model, JournalBytes& out) {
  PublicKey key;
  const bool dropped = (input.Byte() & 1) != 0;
  key.bytes = input.Key();
  if (dropped) {
    AppendDropped(key, out);
    model.erase(key);
  } else {
    const OwnRecord record{key, static_cast<std::int64_t>(input.Number(8))};
    AppendAdded(record, out);
    model[key] = record.installed_at;
  }
}

void CheckOwn(const DecodedJournal& decoded, const Model& model) {
  Require(!decoded.damaged && decoded.own.size() == model.size());
  auto expected = model.begin();
  for (const OwnRecord& record : decoded.own) {
    Require(record == (OwnRecord{expected->first, expected->second}));
    ++expected;
  }
}

// CRC-32 notices any single bit.
void ChangeOneBit(JournalBytes journal, std::uint64_t bit) {
  bit %= journal.size() * 8;
  journal[bit / 8] = static_cast<std::uint8_t>(journal[bit / 8] ^ 1U << bit % 8);
  const auto decoded = DecodeJournal(journal, Ours());
  Require(decoded.damaged && decoded.own.empty() && !decoded.warning.empty());
}

void Cut(JournalBytes journal, std::uint64_t size, const std::vector<Model>& models) {
  journal.resize(size % (journal.size() + 1));
  const auto decoded = DecodeJournal(journal, Ours());
  if (journal.empty()) return Require(!decoded.damaged && decoded.own.empty());
  if (journal.size() < kJournalHeaderSize) return Require(decoded.damaged && decoded.own.empty());
  const std::size_t behind = journal.size() - kJournalHeaderSize;
  CheckOwn(decoded, models[behind / kJournalRecordSize]);
  Require(decoded.warning.empty() == (behind % kJournalRecordSize == 0));
}

void Build(Input& input) {
  const std::uint8_t shape = input.Byte();
  JournalIdentity identity = Ours();
  if (shape % 4 == 3) identity.ifindex = input.Byte();
  if (shape % 4 == 3) identity.boot_id = input.Text(40);
  const std::uint64_t place = input.Number(2);
  JournalBytes journal;
  AppendHeader(identity, journal);
  std::vector<Model> models(1);
  while (!input.empty()) {
    models.push_back(models.back());
    AppendRecord(input, models.back(), journal);
  }
  if (shape % 4 == 1) return ChangeOneBit(std::move(journal), place);
  if (shape % 4 == 2) return Cut(std::move(journal), place, models);
  const auto decoded = DecodeJournal(journal, Ours());
  const bool ours =
      identity.ifindex == Ours().ifindex && identity.boot_id.substr(0, 36) == Ours().boot_id;
  CheckOwn(decoded, ours ? models.back() : Model());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Input input(std::span(data + 1, size - 1));
  if ((data[0] & 1) != 0) {
    Build(input);
  } else {
    const auto decoded = DecodeJournal(input.Rest(), Ours());
    Require(!decoded.damaged || decoded.own.empty());
  }
  return 0;
}
