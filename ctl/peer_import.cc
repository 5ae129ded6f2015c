// `jitwgctl peer import`: many peers out of a file into the registry, all of them or none.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "ctl/command.h"
#include "ctl/json.h"
#include "ctl/peer_file.h"
#include "ctl/progress.h"
#include "lib/registry/bulk.h"

namespace jitwg::ctl {
namespace {

// Of the bad rows so many are shown; --report has them all.
constexpr std::size_t kShownRefusals = 20;

struct ImportOptions {
  CommonOptions common;
  std::string file;
  std::optional<PeerFileFormat> format;
  PeerDefaults defaults;
  registry::BulkOptions bulk;
  std::string report;
};

struct Refusal {
  std::size_t row = 0;
  std::string message;
};

void AddOptions(ConfigParser& parser, ImportOptions& options) {
  parser.AddPositional("FILE", &options.file, "the peers; - is standard input").Required();
  parser
      .AddParsed("format", &options.format, ParsePeerFileFormat,
                 "csv, json or conf; else the file's name says it")
      .ValueName("FORMAT")
      .FlagOnly();
  parser.Add("network", &options.defaults.network, "of peers for which the file names none")
      .FlagOnly();
  parser.Add("replace", &options.bulk.replace, "peers that are there with other settings get these")
      .FlagOnly();
  parser.Add("skip-bad", &options.bulk.skip_bad, "store the good ones when some are refused")
      .FlagOnly();
  parser.Add("dry-run", &options.bulk.dry_run, "find out what would happen, store nothing")
      .FlagOnly();
  parser.Add("report", &options.report, "write all refused rows to this file, one JSON object each")
      .ValueName("FILE")
      .FlagOnly();
  parser.Examples(
      "  jitwgctl peer import peers.csv                       all of them, or none\n"
      "  jitwgctl peer import peers.json --dry-run\n"
      "  wg showconf wg0 | jitwgctl peer import - --format conf --network home\n"
      "  jitwgctl peer import peers.csv --skip-bad --report refused.jsonl\n\n"
      "CSV: the first line names the columns; public_key and allowed_ips (separated by blanks) "
      "are\n"
      "needed, name, network, preshared_key, persistent_keepalive_seconds, pinned, gateway, "
      "enabled\n"
      "and expires_at are not. JSON: what `jitwgctl --json peer list --secrets` prints, or an "
      "array of\n"
      "such objects. conf: the [Peer] sections of a WireGuard configuration.\n"
      "A peer that is there already with the same settings is fine: an import may be run again.\n"
      "Exit codes: 0 all stored; 1 some refused (then nothing was stored, without --skip-bad); 2 "
      "wrong\n"
      "usage; 3 the registry does not answer.\n");
}

// Takes the good rows' peers out; `rows_of` says of which row each of them is.
std::vector<registry::Peer> TakeGood(std::vector<PeerRow>& rows, std::vector<std::size_t>& rows_of,
                                     std::vector<Refusal>& refused) {
  std::vector<registry::Peer> peers;
  peers.reserve(rows.size());
  for (PeerRow& row : rows) {
    if (row.peer) {
      rows_of.push_back(row.number);
      peers.push_back(std::move(*row.peer));
    } else {
      refused.push_back({row.number, row.peer.error().message});
    }
  }
  return peers;
}

Status WriteReport(const std::string& path, const std::vector<Refusal>& refused) {
  if (path.empty()) return {};
  std::ofstream file(path, std::ios::trunc);
  for (const Refusal& one : refused) {
    PrintJson(file, {{"row", one.row}, {"message", one.message}});
  }
  file.flush();
  if (file) return {};
  return Error{ErrorCode::kUnavailable, "cannot write the report " + path};
}

void Show(const ImportOptions& options, const registry::BulkOutcome& outcome,
          const std::vector<Refusal>& refused, Io io) {
  for (std::size_t index = 0; index < std::min(refused.size(), kShownRefusals); ++index) {
    io.err << options.file << ":" << refused[index].row << ": " << refused[index].message << "\n";
  }
  if (refused.size() > kShownRefusals) {
    io.err << "and " << Grouped(refused.size() - kShownRefusals)
           << " more; --report FILE writes them all\n";
  }
  if (options.common.json) {
    PrintJson(io.out, {{"stored", outcome.stored},
                       {"created", outcome.created},
                       {"replaced", outcome.replaced},
                       {"unchanged", outcome.unchanged},
                       {"refused", refused.size()}});
    return;
  }
  io.out << (outcome.stored ? "stored" : "nothing stored") << ": " << Grouped(outcome.created)
         << " new, " << Grouped(outcome.replaced) << " replaced, " << Grouped(outcome.unchanged)
         << " there already, " << Grouped(refused.size()) << " refused\n";
}

int Import(ImportOptions options, std::vector<PeerRow> rows, Io io) {
  std::vector<Refusal> refused;
  std::vector<std::size_t> rows_of;
  const auto peers = TakeGood(rows, rows_of, refused);
  rows.clear();
  // With bad rows it is a rehearsal: the registry's own objections are told at once with theirs.
  const bool rehearsal = !refused.empty() && !options.bulk.skip_bad;
  options.bulk.dry_run = options.bulk.dry_run || rehearsal;
  // Makes the file of an absent one, and says so, as every command does.
  if (auto opened = OpenRegistry(options.common, io); !opened) return Fail(io, opened.error());
  auto outcome = [&] {
    Progress progress(io.err, "importing", peers.size());
    return registry::PutAll(options.common.registry, peers, options.bulk, SystemClock(),
                            [&](std::size_t done) { progress.At(done); });
  }();
  if (!outcome) return Fail(io, outcome.error());
  for (registry::BulkRefusal& one : outcome->refused) {
    refused.push_back({rows_of[one.index], std::move(one.error.message)});
  }
  std::sort(refused.begin(), refused.end(),
            [](const Refusal& a, const Refusal& b) { return a.row < b.row; });
  Show(options, *outcome, refused, io);
  if (auto written = WriteReport(options.report, refused); !written) {
    return Fail(io, written.error());
  }
  return refused.empty() ? kExitOk : kExitFailed;
}

}  // namespace

int PeerImportCommand(const Arguments& arguments, Io io) {
  ImportOptions options;
  ConfigParser parser("jitwgctl peer import", "Allows many keys to connect: all of a file.");
  AddOptions(parser, options);
  AddCommon(parser, options.common);
  parser.Parse(arguments);
  if (!parser.Ends() && !options.file.empty() && !options.format) {
    const auto format = PeerFileFormatOf(options.file);
    if (!format) parser.AddFault("FILE", format.error().message);
    if (format) options.format = *format;
  }
  if (!parser.Ends()) {
    if (auto valid = registry::ValidateNetwork(options.defaults.network); !valid) {
      parser.AddFault("network", valid.error().message);
    }
  }
  if (const auto code = parser.Finish(io.out, io.err)) return *code;

  auto text = ReadPeerFile(options.file, std::cin);
  if (!text) return Fail(io, text.error());
  auto rows = ReadPeerRows(*options.format, *text, options.defaults);
  WipeString(*text);
  if (!rows) return Fail(io, {rows.error().code, options.file + ": " + rows.error().message});
  if (rows->empty()) {
    return Fail(io, {ErrorCode::kInvalidArgument, options.file + " has no peers"});
  }
  return Import(std::move(options), std::move(*rows), io);
}

}  // namespace jitwg::ctl
