// `jitwgctl decisions`: what was decided lately, and what is being decided. Changes nothing.
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/decision_text.h"
#include "ctl/json.h"
#include "lib/rpc/channel.h"
#include "lib/rpc/convert.h"

namespace jitwg::ctl {
namespace {

struct DecisionsOptions {
  CommonOptions common;
  std::string text;
  std::string key;  // as the protocol has it; empty for all
  std::uint64_t last = 20;
  bool follow = false;
};

void Print(const DecisionsOptions& options, const std::string& key, const std::string& text,
           const Json& json, std::ostream& out) {
  if (!options.key.empty() && options.key != key) return;
  if (options.common.json) {
    PrintJson(out, json);
  } else {
    out << text << "\n";
  }
  out.flush();
}

void PrintMessage(const DecisionsOptions& options, const v1::WatchDecisionsResponse& message,
                  Io io) {
  if (message.dropped_before() != 0) {
    io.err << "jitwgctl: " << message.dropped_before() << " decisions were lost here\n";
  }
  if (message.has_decision()) {
    const v1::Decision& decision = message.decision();
    Print(options, decision.public_key(), DecisionText(decision), ToJson(decision), io.out);
  } else if (message.has_eviction()) {
    const v1::Eviction& eviction = message.eviction();
    Print(options, eviction.public_key(), EvictionText(eviction), ToJson(eviction), io.out);
  }
}

int Show(const DecisionsOptions& options, ProvisionerClient& client, Io io) {
  grpc::ClientContext context;
  if (!options.follow) rpc::SetTimeout(context, kCallTimeout);
  v1::WatchDecisionsRequest request;
  request.set_recent(static_cast<std::uint32_t>(options.last));
  const auto reader = client.admin().WatchDecisions(&context, request);
  int heartbeats = 0;
  bool enough = false;
  for (v1::WatchDecisionsResponse message; !enough && reader->Read(&message);) {
    PrintMessage(options, message, io);
    if (message.has_heartbeat()) ++heartbeats;
    // The second one ends what was decided before.
    enough = !io.out.good() || (!options.follow && heartbeats >= 2);
  }
  if (enough) context.TryCancel();
  const auto status = reader->Finish();
  return enough ? kExitOk : Fail(io, client.Explain(status));
}

}  // namespace

int DecisionsCommand(const Arguments& arguments, Io io) {
  DecisionsOptions options;
  ConfigParser parser("jitwgctl decisions",
                      "Shows the provisioner's last decisions, and with --follow also what it "
                      "decides and evicts from now on.");
  parser.Add("follow", &options.follow, "go on until interrupted").FlagOnly();
  parser.Add("last", &options.last, "begin with so many").Range(1, 1000).FlagOnly();
  parser.Add("key", &options.text, "only of this public key").ValueName("KEY").FlagOnly();
  AddCommon(parser, options.common);
  parser.Examples(
      "  jitwgctl decisions\n"
      "  jitwgctl decisions --follow --key KEY\n"
      "  jitwgctl --json decisions --last 1000 | jq -r .verdict | sort | uniq -c\n\n"
      "Exit codes: 0 shown; 3 the provisioner does not answer, or ended.\n"
      "JSON: one object per line; `type` is decision or eviction. One made in the very moment "
      "when\n"
      "--follow begins may be shown twice.\n");
  parser.Parse(arguments);
  const auto key = ParseKeyArgument(parser, options.text);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;
  if (key) options.key = rpc::ToBytes(*key);

  auto client = ProvisionerClient::Make(options.common);
  if (!client) return Fail(io, client.error());
  return Show(options, *client, io);
}

}  // namespace jitwg::ctl
