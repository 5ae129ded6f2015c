#include "ctl/decode.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string_view>

#include "lib/base/key.h"
#include "lib/noise/initiation.h"
#include "lib/noise/messages.h"
#include "sniffer/capture/datagram.h"
#include "sniffer/capture/pcap_file_source.h"

namespace jitwg::ctl {
namespace {

using noise::HandshakeError;

// One initiation as it is shown.
struct DecodedRow {
  std::uint64_t frame = 0;  // number of the packet in the file, from 1, as other analysers count
  WallTime time;
  Endpoint source;
  Endpoint destination;
  std::uint32_t sender_index = 0;
  std::optional<noise::Initiation> authentic;
  std::optional<PublicKey> claimed;  // the static key opened, but nobody proved it
  HandshakeError error{};            // unless authentic

  std::string_view Verdict() const { return authentic ? "authentic" : noise::ToString(error); }
};

std::string TimeToUtc(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return Tai64n::FromUnix(seconds.time_since_epoch().count(),
                          static_cast<std::uint32_t>(rest.count()))
      .ToUtc();
}

std::string ToText(const DecodedRow& row) {
  std::string text =
      fmt::format("{} {} -> {} sender=0x{:08x} ", TimeToUtc(row.time), row.source.ToString(),
                  row.destination.ToString(), row.sender_index);
  if (row.authentic) {
    text += fmt::format("key={} tai64n={} ", row.authentic->initiator.ToBase64(),
                        row.authentic->timestamp.ToUtc());
  } else if (row.claimed) {
    text += fmt::format("claimed={} ", row.claimed->ToBase64());
  }
  return text.append(row.Verdict());
}

std::string ToJson(const DecodedRow& row) {
  nlohmann::ordered_json object = {{"frame", row.frame},
                                   {"time", TimeToUtc(row.time)},
                                   {"source", row.source.ToString()},
                                   {"destination", row.destination.ToString()},
                                   {"sender_index", row.sender_index},
                                   {"verdict", row.Verdict()}};
  if (row.authentic) {
    object["public_key"] = row.authentic->initiator.ToBase64();
    object["timestamp"] = row.authentic->timestamp.ToUtc();
    object["tai64n"] = ToHex(row.authentic->timestamp.bytes);
  } else if (row.claimed) {
    object["claimed_public_key"] = row.claimed->ToBase64();
  }
  return object.dump();
}

bool LooksLikeInitiation(std::span<const std::uint8_t> payload) {
  return payload.size() == noise::kInitiationSize && payload[0] == 1 && payload[1] == 0 &&
         payload[2] == 0 && payload[3] == 0;
}

class Decoder {
 public:
  Decoder(const noise::Responder& responder, bool json, std::ostream& out)
      : responder_(responder), json_(json), out_(out) {}

  void OnPacket(const sniffer::CapturedPacket& packet) {
    ++frames_;
    // A capture made on the client may show header checksums its hardware had yet to fill in.
    const auto datagram = sniffer::DecodeDatagram(packet.bytes, {.link_type = packet.link_type,
                                                                 .wire_length = packet.wire_length,
                                                                 .ifindex = 0,
                                                                 .verify_ip_checksum = false});
    if (!datagram) {
      ++undecodable_[sniffer::ToString(datagram.error())];
    } else if (!LooksLikeInitiation(datagram->payload)) {
      ++other_datagrams_;
    } else {
      Show(Judge(*datagram, packet.timestamp));
    }
  }

  bool OutputFailed() const { return !out_.good(); }

  void Summarize(std::ostream& err) const {
    err << fmt::format(
        "{} packets: {} initiations ({} authentic, {} refused{}), {} other datagrams, {} not "
        "decodable{}\n",
        frames_, authentic_ + Total(refused_), authentic_, Total(refused_), Reasons(refused_),
        other_datagrams_, Total(undecodable_), Reasons(undecodable_));
  }

 private:
  using Counts = std::map<std::string_view, std::uint64_t>;

  static std::uint64_t Total(const Counts& counts) {
    std::uint64_t total = 0;
    for (const auto& [reason, count] : counts) total += count;
    return total;
  }

  static std::string Reasons(const Counts& counts) {
    std::string text;
    for (const auto& [reason, count] : counts) text += fmt::format(" {}={}", reason, count);
    return text.empty() ? text : ":" + text;
  }

  DecodedRow Judge(const sniffer::Datagram& datagram, WallTime time) const {
    DecodedRow row{.frame = frames_,
                   .time = time,
                   .source = datagram.source,
                   .destination = datagram.destination,
                   .sender_index = 0,
                   .authentic = {},
                   .claimed = {}};
    const auto payload = datagram.payload;
    for (std::size_t at = 0; at < 4; ++at) {
      row.sender_index |= std::uint32_t{payload[4 + at]} << (8 * at);
    }
    if (const auto initiation = responder_.ConsumeInitiation(payload); initiation) {
      row.authentic = *initiation;
    } else {
      row.error = initiation.error();
    }
    const bool opened = !row.authentic && (row.error == HandshakeError::kBadTimestamp ||
                                           row.error == HandshakeError::kBadStaticDh);
    if (const auto key = responder_.OpenStaticUnauthenticated(payload); opened && key) {
      row.claimed = *key;
    }
    return row;
  }

  void Show(const DecodedRow& row) {
    if (row.authentic) {
      ++authentic_;
    } else {
      ++refused_[row.Verdict()];
    }
    out_ << (json_ ? ToJson(row) : ToText(row)) << '\n';
  }

  const noise::Responder& responder_;
  const bool json_;
  std::ostream& out_;
  std::uint64_t frames_ = 0;
  std::uint64_t authentic_ = 0;
  std::uint64_t other_datagrams_ = 0;
  Counts refused_;
  Counts undecodable_;
};

int Fail(std::ostream& err, std::string_view message) {
  err << "jitwgctl decode: " << message << '\n';
  return 1;
}

}  // namespace

int RunDecode(const DecodeOptions& options, std::ostream& out, std::ostream& err) {
  const auto key = ReadSecretKeyFile(options.private_key_file);
  if (!key) return Fail(err, key.error().message);
  const noise::Responder responder(*key);
  const auto source = sniffer::PcapFileSource::Open(options.file);
  if (!source) return Fail(err, source.error().message);

  std::stop_source stop;
  Decoder decoder(responder, options.json, out);
  const Status status = (*source)->Run(
      [&](const sniffer::CapturedPacket& packet) {
        decoder.OnPacket(packet);
        if (decoder.OutputFailed()) stop.request_stop();
      },
      stop.get_token());
  out.flush();
  decoder.Summarize(err);
  if (!status) return Fail(err, status.error().message);
  if (decoder.OutputFailed()) return Fail(err, "the output could not be written");
  return 0;
}

}  // namespace jitwg::ctl
