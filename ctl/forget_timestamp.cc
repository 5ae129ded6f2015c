// `jitwgctl forget-timestamp`: lets a client in whose clock went backwards.
#include <ostream>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/json.h"

namespace jitwg::ctl {

int ForgetTimestampCommand(const Arguments& arguments, Io io) {
  CommonOptions common;
  std::string text;
  ConfigParser parser("jitwgctl forget-timestamp",
                      "Forgets the newest time stamp accepted from a key, so that a client whose "
                      "clock went backwards is no longer taken for a replay.");
  parser.AddPositional("key", &text, "the peer's public key").Required();
  AddCommon(parser, common);
  parser.Examples(
      "  jitwgctl explain KEY                 refused as `replay`, and the client's clock is "
      "wrong?\n"
      "  jitwgctl forget-timestamp KEY\n\n"
      "The price: an initiation captured from this key earlier can be replayed once, until the\n"
      "client connects again. The sniffer remembers the stamps of the last minutes by itself, and\n"
      "WireGuard those of an installed peer: evict it, too, and wait.\n"
      "Exit codes: 0 forgotten; 1 there was none; 3 the provisioner does not answer.\n");
  parser.Parse(arguments);
  const auto key = ParseKeyArgument(parser, text);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto client = ProvisionerClient::Make(common);
  if (!client) return Fail(io, client.error());
  const auto answer = client->ForgetTimestamp(*key);
  if (!answer) return Fail(io, answer.error());
  const std::string forgotten = Tai64nText(answer->forgotten_timestamp());
  if (common.json) {
    PrintJson(io.out,
              {{"public_key", key->ToBase64()},
               {"forgotten_timestamp", forgotten.empty() ? Json(nullptr) : Json(forgotten)}});
  } else if (!forgotten.empty()) {
    io.out << "forgot " << forgotten << "\n";
  }
  if (forgotten.empty()) {
    return Fail(io, {ErrorCode::kNotFound, "no time stamp of that key is known"});
  }
  io.err
      << "jitwgctl: an initiation captured from this key earlier can now be replayed once, until "
         "its client connects again\n";
  return kExitOk;
}

}  // namespace jitwg::ctl
