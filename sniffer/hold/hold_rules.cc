// See hold_rules.h.
#include "sniffer/hold/hold_rules.h"

#include <arpa/inet.h>  // first, or <linux/in.h> defines the same again
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "sniffer/hold/nfnetlink_writer.h"

namespace jitwg::sniffer {
namespace {

constexpr std::string_view kChain = "input";
constexpr std::uint32_t kRegister = NFT_REG_1;
constexpr std::uint16_t kUdpLength = 8 + 148;
// Byte offsets in the UDP header and behind it.
constexpr std::uint32_t kPortAndLengthAt = 2;
constexpr std::uint32_t kTypeWordAt = 8;
// The type word of an initiation, reserved bytes and all.
constexpr std::array<std::uint8_t, 4> kTypeWord = {1, 0, 0, 0};

class Batch {
 public:
  explicit Batch(std::uint32_t sequence, std::uint8_t family = NFPROTO_INET)
      : family_(family), first_(sequence), next_(sequence) {
    Mark(true);
  }

  NfnetlinkWriter& Begin(std::uint8_t operation, std::uint16_t flags) {
    last_ = next_;
    writer_.Begin({NFNL_SUBSYS_NFTABLES, operation, static_cast<std::uint16_t>(flags | NLM_F_ACK),
                   next_++, family_, 0});
    return writer_;
  }
  NftBatch Unfinished() const {
    return {{writer_.bytes().begin(), writer_.bytes().end()}, first_, last_};
  }
  NftBatch Finish() {
    Mark(false);
    return Unfinished();
  }

 private:
  void Mark(bool begin) {
    const auto operation =
        static_cast<std::uint8_t>(begin ? NFNL_MSG_BATCH_BEGIN : NFNL_MSG_BATCH_BEGIN + 1);
    writer_.Begin({NFNL_SUBSYS_NONE, operation, 0, next_++, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES});
  }

  NfnetlinkWriter writer_;
  const std::uint8_t family_;
  std::uint32_t first_;
  std::uint32_t next_;
  std::uint32_t last_ = 0;
};

// One expression of a rule: its name, and its data filled by `fill`.
template <class Fill>
void PutExpression(NfnetlinkWriter& writer, std::string_view name, Fill fill) {
  const std::size_t element = writer.BeginNest(NFTA_LIST_ELEM);
  writer.PutString(NFTA_EXPR_NAME, name);
  const std::size_t data = writer.BeginNest(NFTA_EXPR_DATA);
  fill();
  writer.EndNest(data);
  writer.EndNest(element);
}

void PutCompare(NfnetlinkWriter& writer, std::span<const std::uint8_t> value) {
  PutExpression(writer, "cmp", [&] {
    writer.PutBe32(NFTA_CMP_SREG, kRegister);
    writer.PutBe32(NFTA_CMP_OP, NFT_CMP_EQ);
    const std::size_t data = writer.BeginNest(NFTA_CMP_DATA);
    writer.Put(NFTA_DATA_VALUE, value);
    writer.EndNest(data);
  });
}

// Four bytes of the UDP datagram must be these. The kernel finds it behind IPv4 options and IPv6
// extension headers, and matches no fragment.
void PutUdpMatch(NfnetlinkWriter& writer, std::uint32_t offset,
                 const std::array<std::uint8_t, 4>& value) {
  PutExpression(writer, "payload", [&] {
    writer.PutBe32(NFTA_PAYLOAD_DREG, kRegister);
    writer.PutBe32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    writer.PutBe32(NFTA_PAYLOAD_OFFSET, offset);
    writer.PutBe32(NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(value.size()));
  });
  PutCompare(writer, value);
}

void PutIsUdp(NfnetlinkWriter& writer) {
  PutExpression(writer, "meta", [&] {
    writer.PutBe32(NFTA_META_DREG, kRegister);
    writer.PutBe32(NFTA_META_KEY, NFT_META_L4PROTO);
  });
  constexpr std::array<std::uint8_t, 1> kUdp = {IPPROTO_UDP};
  PutCompare(writer, kUdp);
}

// Both with bypass: while nobody listens, packets go on.
void PutQueue(NfnetlinkWriter& writer, const HoldRules& rules) {
  if (rules.statement == QueueStatement::kNative) {
    PutExpression(writer, "queue", [&] {
      writer.PutBe16(NFTA_QUEUE_NUM, rules.queue);
      writer.PutBe16(NFTA_QUEUE_TOTAL, 1);
      writer.PutBe16(NFTA_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
    });
    return;
  }
  PutExpression(writer, "target", [&] {
    xt_NFQ_info_v3 info{};
    info.queuenum = rules.queue;
    info.queues_total = 1;
    info.flags = NFQ_FLAG_BYPASS;
    writer.PutString(NFTA_TARGET_NAME, "NFQUEUE");
    writer.PutBe32(NFTA_TARGET_REV, 3);
    writer.PutStruct(NFTA_TARGET_INFO, info);
  });
}

// The type word first: it is what a data packet, the one that comes all day, does not have.
void PutRule(Batch& batch, const HoldRules& rules, std::uint16_t port) {
  NfnetlinkWriter& writer = batch.Begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  writer.PutString(NFTA_RULE_TABLE, rules.table);
  writer.PutString(NFTA_RULE_CHAIN, kChain);
  const std::size_t expressions = writer.BeginNest(NFTA_RULE_EXPRESSIONS);
  PutIsUdp(writer);
  PutUdpMatch(writer, kTypeWordAt, kTypeWord);
  PutUdpMatch(writer, kPortAndLengthAt,
              {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff),
               kUdpLength >> 8, kUdpLength & 0xff});
  PutQueue(writer, rules);
  writer.EndNest(expressions);
}

void PutRules(Batch& batch, const HoldRules& rules, std::span<const std::uint16_t> ports) {
  std::set<std::uint16_t> unique(ports.begin(), ports.end());
  unique.erase(0);
  for (const std::uint16_t port : unique) PutRule(batch, rules, port);
}

void PutHook(NfnetlinkWriter& writer) {
  writer.PutString(NFTA_CHAIN_TYPE, "filter");
  writer.PutBe32(NFTA_CHAIN_POLICY, NF_ACCEPT);
  const std::size_t hook = writer.BeginNest(NFTA_CHAIN_HOOK);
  writer.PutBe32(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_IN);
  writer.PutBe32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(kHoldPriority));
  writer.EndNest(hook);
}

void PutTable(Batch& batch, const HoldRules& rules, bool hooked) {
  NfnetlinkWriter& writer = batch.Begin(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
  writer.PutString(NFTA_TABLE_NAME, rules.table);
  if (rules.owned) writer.PutBe32(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  batch.Begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
  writer.PutString(NFTA_CHAIN_TABLE, rules.table);
  writer.PutString(NFTA_CHAIN_NAME, kChain);
  if (hooked) PutHook(writer);
}

}  // namespace

NftBatch EncodeTable(const HoldRules& rules, std::span<const std::uint16_t> ports,
                     std::uint32_t sequence) {
  Batch batch(sequence);
  PutTable(batch, rules, true);
  PutRules(batch, rules, ports);
  return batch.Finish();
}

NftBatch EncodeTableCheck(const HoldRules& rules, std::uint32_t sequence, std::uint8_t family) {
  Batch batch(sequence, family);
  PutTable(batch, rules, false);
  PutRule(batch, rules, 1);
  return batch.Unfinished();
}

NftBatch EncodePorts(const HoldRules& rules, std::span<const std::uint16_t> ports,
                     std::uint32_t sequence) {
  Batch batch(sequence);
  // Without a handle: every rule of the chain.
  NfnetlinkWriter& writer = batch.Begin(NFT_MSG_DELRULE, 0);
  writer.PutString(NFTA_RULE_TABLE, rules.table);
  writer.PutString(NFTA_RULE_CHAIN, kChain);
  PutRules(batch, rules, ports);
  return batch.Finish();
}

NftBatch EncodeRemoval(const std::string& table, std::uint32_t sequence) {
  Batch batch(sequence);
  batch.Begin(NFT_MSG_DELTABLE, 0).PutString(NFTA_TABLE_NAME, table);
  return batch.Finish();
}

NftBatch EncodeTableQuestion(const std::string& table, std::uint32_t sequence) {
  NfnetlinkWriter writer;
  writer.Begin({NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE, NLM_F_ACK, sequence, NFPROTO_INET, 0});
  writer.PutString(NFTA_TABLE_NAME, table);
  return {{writer.bytes().begin(), writer.bytes().end()}, sequence, sequence};
}

}  // namespace jitwg::sniffer
