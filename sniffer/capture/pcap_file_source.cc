#include "sniffer/capture/pcap_file_source.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

namespace jitwg::sniffer {
namespace {

// `time` is the file's word: up to the year 2262, where WallTime ends. Its microseconds are
// nanoseconds here.
WallTime TimeOf(const timeval& time) {
  constexpr std::int64_t kMost = 9'223'372'035;
  const std::int64_t seconds = std::clamp<std::int64_t>(time.tv_sec, 0, kMost);
  const std::int64_t nanoseconds = std::clamp<std::int64_t>(time.tv_usec, 0, 999'999'999);
  return WallTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Error NoCapture(const std::string& path, const std::string& why) {
  return Error{ErrorCode::kDataLoss, "'" + path + "' is no readable pcap or pcapng file: " + why};
}

}  // namespace

struct PcapFileSource::State {
  struct ClosePcap {
    void operator()(pcap_t* handle) const { ::pcap_close(handle); }
  };
  std::string path;
  std::unique_ptr<pcap_t, ClosePcap> pcap;  // owns the FILE, as pcap_fopen_offline says
  LinkType link_type = LinkType::kEthernet;
  std::atomic<std::uint64_t> received = 0;
};

PcapFileSource::PcapFileSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
PcapFileSource::~PcapFileSource() = default;

Result<std::unique_ptr<PcapFileSource>> PcapFileSource::Open(std::string path) {
  File file(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return ErrnoError("cannot open capture file '" + path + "'", errno);
  const int first = std::getc(file.get());
  if (first == EOF) {
    if (std::ferror(file.get()) != 0) return ErrnoError("cannot read '" + path + "'", errno);
    return NoCapture(path, "it is empty");
  }
  std::ungetc(first, file.get());
  std::array<char, PCAP_ERRBUF_SIZE> message{};
  pcap_t* const handle = ::pcap_fopen_offline_with_tstamp_precision(
      file.get(), PCAP_TSTAMP_PRECISION_NANO, message.data());
  if (handle == nullptr) return NoCapture(path, message.data());
  static_cast<void>(file.release());
  auto state = std::make_unique<State>();
  state->pcap.reset(handle);
  const int dlt = ::pcap_datalink(handle);
  const auto link_type = LinkTypeFromDlt(dlt);
  if (!link_type) {
    return Error{ErrorCode::kInvalidArgument,
                 "'" + path + "' has link type " + std::to_string(dlt) +
                     ", which is not supported; capture on Ethernet, loopback, raw IP or 'any'"};
  }
  state->path = std::move(path);
  state->link_type = *link_type;
  return std::unique_ptr<PcapFileSource>(new PcapFileSource(std::move(state)));
}

std::string_view PcapFileSource::name() const { return state_->path; }

Status PcapFileSource::Run(const Handler& handler, std::stop_token stop) {
  CapturedPacket packet;
  packet.link_type = state_->link_type;
  packet.source_name = state_->path;
  while (!stop.stop_requested()) {
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    const int outcome = ::pcap_next_ex(state_->pcap.get(), &header, &bytes);
    if (outcome == PCAP_ERROR_BREAK) break;
    if (outcome != 1) return NoCapture(state_->path, ::pcap_geterr(state_->pcap.get()));
    packet.bytes = {bytes, header->caplen};
    packet.wire_length = std::max(header->len, header->caplen);  // a file may say anything
    packet.timestamp = TimeOf(header->ts);
    ++state_->received;
    handler(packet);
  }
  if (!stop.stop_requested() && state_->received == 0)
    return NoCapture(state_->path, "it holds no packet");
  return {};
}

Status PcapFileSource::SetPorts(std::span<const std::uint16_t> /*ports*/) { return {}; }

PacketSourceStats PcapFileSource::GetStats() { return {.received = state_->received}; }

}  // namespace jitwg::sniffer
