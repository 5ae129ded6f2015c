// `jitwgctl explain`: why a key gets in or not, on one screen. Changes nothing.
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {
namespace {

std::string Ago(const google::protobuf::Timestamp& time) {
  const auto age = SystemClock().WallNow() - rpc::ToWallTime(time);
  return FormatAge(std::chrono::duration_cast<std::chrono::seconds>(age)) + " ago";
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ",") + text;
  return joined;
}

void Line(std::ostream& out, const std::string& name, const std::string& text) {
  constexpr std::size_t kWidth = 12;
  const std::string shown = Clean(name);
  out << shown << std::string(shown.size() < kWidth ? kWidth - shown.size() : 1, ' ') << Clean(text)
      << "\n";
}

std::string RecordText(const v1::RegistryRecord& record) {
  std::string text = record.name().empty() ? "a peer without a name" : record.name();
  text += ", network " + record.network() + ", " + Joined(PrefixTexts(record.allowed_ips()));
  text += record.enabled() ? ", enabled" : ", disabled";
  if (record.pinned()) text += ", pinned";
  if (record.has_preshared_key()) text += ", with a preshared key";
  if (!record.gateway().empty()) text += ", only gateway " + record.gateway();
  if (record.has_expires_at()) text += ", expires " + TimeText(record.expires_at());
  return text;
}

void PrintRegistry(const v1::ExplainResponse& answer, std::ostream& out) {
  if (answer.has_record()) {
    Line(out, "registry", RecordText(answer.record()));
  } else if (answer.registry_problem().empty()) {
    Line(out, "registry", "has no such peer");
  } else {
    Line(out, "registry", "cannot be asked: " + answer.registry_problem());
  }
  if (answer.has_cached_age()) {
    Line(out, "",
         "from the gateway's cache, " +
             FormatAge(std::chrono::seconds(answer.cached_age().seconds())) +
             " old: the registry is away");
  }
}

std::string InstalledText(const v1::PeerState& peer) {
  std::string text = peer.has_last_handshake() ? "handshake " + Ago(peer.last_handshake())
                                               : std::string("no handshake yet");
  if (peer.has_endpoint()) text += ", at " + EndpointText(peer.endpoint());
  text += ", received " + FormatBytes(peer.rx_bytes()) + ", sent " + FormatBytes(peer.tx_bytes());
  if (peer.has_installed_for()) {
    text +=
        ", installed " + FormatAge(std::chrono::seconds(peer.installed_for().seconds())) + " ago";
  }
  return text;
}

void PrintInterfaces(const v1::ExplainResponse& answer, std::ostream& out) {
  for (const v1::InterfaceView& view : answer.interfaces()) {
    Line(out, view.interface(),
         view.verdict() == "allowed" ? "would be let in" : "would be refused: " + view.verdict());
    Line(out, "", view.has_installed() ? "is in: " + InstalledText(view.installed()) : "is not in");
  }
  if (!answer.sniffer_problem().empty()) {
    Line(out, "kernel", "cannot be listed: " + answer.sniffer_problem());
  }
}

void PrintHistory(const v1::ExplainResponse& answer, std::ostream& out) {
  if (answer.decisions().empty()) {
    Line(out, "initiations", "none lately");
    return;
  }
  const v1::Decision& newest = answer.decisions(0);
  Line(out, "last seen", Ago(newest.decided_at()) + " from " + OriginText(newest));
  out << "last initiations, newest first:\n";
  Table table({"decided", "interface", "from", "verdict", "client's time", "detail"});
  for (const v1::Decision& decision : answer.decisions()) {
    table.Add({TimeText(decision.decided_at()), decision.interface(), OriginText(decision),
               decision.verdict(), Tai64nText(decision.timestamp()), decision.detail()});
  }
  table.Print(out, "  ");
}

void PrintText(const v1::ExplainResponse& answer, std::ostream& out) {
  Line(out, "peer", KeyText(answer.public_key()));
  PrintRegistry(answer, out);
  PrintInterfaces(answer, out);
  if (!answer.replay_problem().empty()) {
    Line(out, "time stamp", "cannot be read: " + answer.replay_problem());
  } else if (answer.newest_timestamp().empty()) {
    Line(out, "time stamp", "none known: the next initiation is taken whatever its time");
  } else {
    Line(out, "time stamp",
         Tai64nText(answer.newest_timestamp()) + " is the newest; one not later is a replay");
  }
  PrintHistory(answer, out);
}

bool IsLetIn(const v1::ExplainResponse& answer) {
  for (const v1::InterfaceView& view : answer.interfaces()) {
    if (view.verdict() == "allowed") return true;
  }
  return false;
}

}  // namespace

int ExplainCommand(const Arguments& arguments, Io io) {
  CommonOptions common;
  std::string text;
  ConfigParser parser("jitwgctl explain",
                      "Says why a key gets in or not: the registry's word, what would be decided "
                      "now, what was decided lately, what the kernel holds.");
  parser.AddPositional("key", &text, "the peer's public key").Required();
  AddCommon(parser, common);
  parser.Examples(
      "  jitwgctl explain KEY\n"
      "  jitwgctl --json explain KEY | jq '.decisions[0].verdict'\n\n"
      "Exit codes: 0 some interface would let it in now; 1 none would; 3 the provisioner does not\n"
      "answer. It lists the peers of each interface, which takes seconds where there are very "
      "many.\n"
      "JSON: one object, named as in the protocol's ExplainResponse.\n");
  parser.Parse(arguments);
  const auto key = ParseKeyArgument(parser, text);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto client = ProvisionerClient::Make(common);
  if (!client) return Fail(io, client.error());
  const auto answer = client->ExplainPeer(*key);
  if (!answer) return Fail(io, answer.error());
  if (common.json) {
    PrintJson(io.out, ToJson(*answer));
  } else {
    PrintText(*answer, io.out);
  }
  return IsLetIn(*answer) ? kExitOk : kExitFailed;
}

}  // namespace jitwg::ctl
