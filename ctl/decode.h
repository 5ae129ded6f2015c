// `jitwgctl decode`: shows every handshake initiation of a capture file, judged with the
// responder's private key. Works offline; talks to no service.
#pragma once

#include <iosfwd>
#include <string>

namespace jitwg::ctl {

struct DecodeOptions {
  std::string file;              // pcap or pcapng; "-" is the standard input
  std::string private_key_file;  // of the responder, as wg(8) writes it: one line of base64
  bool json = false;             // JSON lines: one object per initiation, nothing else
};

// Prints each initiation to `out` as it is read, in the order of the file, and one line of summary
// to `err`. Refused ones are printed too, with the reason; whatever is no initiation is only
// counted. Returns the exit code: 0 the file was read to its end, whatever the verdicts; 1 the key
// or the file cannot be read, is empty, damaged or cut off (what was readable has been printed
// before the error), or `out` does not take it.
int RunDecode(const DecodeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace jitwg::ctl
