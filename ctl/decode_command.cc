// `jitwgctl decode`'s command line; the work is in ctl/decode.cc.
#include "ctl/command.h"
#include "ctl/decode.h"

namespace jitwg::ctl {

int DecodeCommand(const Arguments& arguments, Io io) {
  CommonOptions common;
  DecodeOptions options;
  ConfigParser parser("jitwgctl decode",
                      "Shows every handshake initiation of a capture file, judged with the "
                      "gateway's private key. Works offline.");
  parser.AddPositional("file", &options.file, "pcap or pcapng; - is standard input").Required();
  parser
      .Add("private-key-file", &options.private_key_file,
           "the gateway's private key, one line of base64")
      .ValueName("FILE")
      .FlagOnly()
      .Required();
  AddCommon(parser, common);
  parser.Examples(
      "  tcpdump -i eth0 -w capture.pcap udp port 51820\n"
      "  wg show wg0 private-key >wg0.key\n"
      "  jitwgctl decode capture.pcap --private-key-file wg0.key\n"
      "  jitwgctl --json decode capture.pcap --private-key-file wg0.key | jq -r .public_key\n\n"
      "Exit codes: 0 the file was read to its end; 1 it could not be (what was readable is "
      "shown).\n"
      "JSON: one object per initiation and line.\n");
  parser.Parse(arguments);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;
  options.json = common.json;
  return RunDecode(options, io.out, io.err);
}

}  // namespace jitwg::ctl
