// The sniffer's own nftables table as batches of nf_tables messages (kernel:
// net/netfilter/nf_tables_api.c): one chain on the input hook whose rules queue handshake
// initiations. Pure; names nothing but its own table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace jitwg::sniffer {

// How a rule of this kernel can queue.
enum class QueueStatement : std::uint8_t {
  kNative,    // nft_queue
  kXtTarget,  // the target NFQUEUE of xtables, by nft_compat
};

struct HoldRules {
  std::string table;  // of family inet, 1..31 characters
  std::uint16_t queue = 0;
  QueueStatement statement = QueueStatement::kNative;
  // The kernel lets nobody else change the table, and removes it with the socket that made it (from
  // Linux 5.12 on).
  bool owned = true;
};

// The chain's place on the input hook: behind every priority that has a name (the last is 300), so
// that nothing is held or answered which the operator's filter drops; before INT_MAX, where
// connection tracking confirms.
inline constexpr std::int32_t kHoldPriority = 1000;

struct NftBatch {
  std::vector<std::uint8_t> bytes;
  std::uint32_t first = 0;  // sequence numbers of its messages; the last one is acknowledged
  std::uint32_t last = 0;
};

// Table, chain and rules for these UDP ports (0 is left out). Fails where the table is there.
NftBatch EncodeTable(const HoldRules& rules, std::span<const std::uint16_t> ports,
                     std::uint32_t sequence);
// The same as a question: the kernel checks it all, answers, and makes nothing, because the batch
// has no end. Its chain is without a hook, whose end would drop what waits in others' queues.
// `family` is NFPROTO_INET or NFPROTO_IPV4.
NftBatch EncodeTableCheck(const HoldRules& rules, std::uint32_t sequence, std::uint8_t family);
// Puts rules for these ports in the place of those there, at once.
NftBatch EncodePorts(const HoldRules& rules, std::span<const std::uint16_t> ports,
                     std::uint32_t sequence);
// Removes the table and all in it.
NftBatch EncodeRemoval(const std::string& table, std::uint32_t sequence);
// Not a batch but one message: asks whether the table is there; ENOENT when not.
NftBatch EncodeTableQuestion(const std::string& table, std::uint32_t sequence);

}  // namespace jitwg::sniffer
