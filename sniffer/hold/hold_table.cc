// See hold_table.h.
#include "sniffer/hold/hold_table.h"

#include <arpa/inet.h>  // first, or <linux/in.h> defines the same again
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "sniffer/hold/nfnetlink_exchange.h"

namespace jitwg::sniffer {
namespace {

int Exchange(NetlinkSocket& socket, const NftBatch& batch) {
  return ExchangeNfnetlink(socket, batch.bytes, batch.first, batch.last);
}

// FNV-1a, 32 bits: the same in every build, which std::hash does not promise.
std::uint32_t Fingerprint(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const char letter : text) {
    hash = (hash ^ static_cast<std::uint8_t>(letter)) * 16777619u;
  }
  return hash;
}

Error CannotHold(int errno_value) {
  if (errno_value == EPERM || errno_value == EACCES) {
    return {ErrorCode::kPermissionDenied,
            "nftables refuses a table of our own: run with CAP_NET_ADMIN in the network namespace"};
  }
  Error error = ErrnoError(
      "this kernel cannot queue packets by nftables (it needs nf_tables with nft_queue, or with "
      "nft_compat and xt_NFQUEUE)",
      errno_value);
  return {ErrorCode::kUnimplemented, std::move(error.message)};
}

// Table and queue are one sniffer's; what is there without an owner was left behind.
Status RemoveFrom(NetlinkSocket& socket, const std::string& table) {
  const int error = Exchange(socket, EncodeRemoval(table, 1));
  if (error == 0) spdlog::info("hold_leftover_removed table={}", table);
  if (error == 0 || error == ENOENT) return {};
  if (error == EPERM) {
    return Error{ErrorCode::kAlreadyExists, "the nftables table inet " + table +
                                                " belongs to another process: is a jitwg-sniffer "
                                                "with the same --state-dir running?"};
  }
  return ErrnoError("cannot remove the nftables table inet " + table, error);
}

}  // namespace

std::string HoldTableName(std::string_view state_dir) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "jitwg_%08x", Fingerprint(state_dir));
  return text.data();
}

Result<HoldRules> FindHoldRules(const std::string& table, std::uint16_t queue, bool may_own) {
  auto socket = NetlinkSocket::Open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  int error = EOPNOTSUPP;
  std::uint32_t sequence = 0;
  const auto ask = [&](const HoldRules& question, std::uint8_t family) {
    const NftBatch batch = EncodeTableCheck(question, ++sequence, family);
    sequence = batch.last;
    return Exchange(*socket, batch);
  };
  for (const bool owned : {true, false}) {
    if (owned && !may_own) continue;
    for (const auto statement : {QueueStatement::kNative, QueueStatement::kXtTarget}) {
      HoldRules rules{table, queue, statement, owned};
      // Asked under a name that nobody has, for the real one may be there.
      HoldRules question = rules;
      question.table += "_check";
      // The kernel loads a missing xtables module only for a rule of one of the two IP families.
      if (statement == QueueStatement::kXtTarget) ask(question, NFPROTO_IPV4);
      error = ask(question, NFPROTO_INET);
      if (error == 0) return rules;
      if (error == EPERM) return CannotHold(error);
    }
  }
  return CannotHold(error);
}

Result<std::unique_ptr<HoldTable>> HoldTable::Create(HoldRules rules) {
  auto socket = NetlinkSocket::Open(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  if (const Status removed = RemoveFrom(*socket, rules.table); !removed) return removed.error();
  std::unique_ptr<HoldTable> table(new HoldTable(std::move(rules), std::move(*socket)));
  const int error = Exchange(table->socket_, EncodeTable(table->rules_, {}, 1));
  if (error != 0) {
    table->removed_ = true;
    return CannotHold(error);
  }
  return table;
}

Status HoldTable::RemoveLeftover(const std::string& table) {
  auto socket = NetlinkSocket::Open(NETLINK_NETFILTER);
  return socket ? RemoveFrom(*socket, table) : Status(socket.error());
}

HoldTable::~HoldTable() {
  if (const Status removed = Remove(); !removed) {
    spdlog::warn("hold_table_left table={} error=\"{}\"", rules_.table, removed.error().message);
  }
}

int HoldTable::PutPorts() {
  const NftBatch batch = EncodePorts(rules_, ports_, ++sequence_);
  sequence_ = batch.last + 1;
  return Exchange(socket_, batch);
}

Status HoldTable::SetPorts(std::span<const std::uint16_t> ports) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return {};
  ports_.assign(ports.begin(), ports.end());
  const int error = PutPorts();
  // Somebody removed it, which an owned table cannot suffer: Restore makes it, with these ports.
  if (error == 0 || (error == ENOENT && !rules_.owned)) return {};
  return ErrnoError("cannot set the rules of the nftables table inet " + rules_.table, error);
}

Result<bool> HoldTable::Restore() {
  const std::lock_guard lock(mutex_);
  if (stopped_ || rules_.owned) return false;
  if (Exchange(socket_, EncodeTableQuestion(rules_.table, ++sequence_)) != ENOENT) return false;
  const NftBatch batch = EncodeTable(rules_, ports_, ++sequence_);
  sequence_ = batch.last + 1;
  const int error = Exchange(socket_, batch);
  if (error == 0) return true;
  return ErrnoError("cannot make the nftables table inet " + rules_.table + " again", error);
}

Status HoldTable::StopQueueing() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return {};
  stopped_ = true;
  ports_.clear();
  const int error = PutPorts();
  if (error == 0 || error == ENOENT) return {};
  return ErrnoError("cannot empty the nftables table inet " + rules_.table, error);
}

Status HoldTable::Remove() {
  const std::lock_guard lock(mutex_);
  if (removed_) return {};
  stopped_ = removed_ = true;
  const NftBatch batch = EncodeRemoval(rules_.table, ++sequence_);
  sequence_ = batch.last + 1;
  const int error = Exchange(socket_, batch);
  if (error == 0 || error == ENOENT) return {};
  return ErrnoError("cannot remove the nftables table inet " + rules_.table, error);
}

}  // namespace jitwg::sniffer
