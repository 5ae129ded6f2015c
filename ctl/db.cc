// `jitwgctl db migrate|status`: the schema of a PostgreSQL registry. Touches no peer.
#include <ostream>

#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/progress.h"
#include "lib/registry/factory.h"
#include "lib/registry/postgres_admin.h"

namespace jitwg::ctl {
namespace {

// A migration may rewrite a large table, or wait for another one that does.
constexpr std::chrono::minutes kMigrationTimeout(30);
constexpr std::chrono::seconds kStatusTimeout(15);

constexpr const char* kDbExamples =
    "  jitwgctl db migrate --registry postgresql://owner@db.example/jitwg\n"
    "  jitwgctl db migrate --registry 'postgres:service=jitwg user=owner'   # ~/.pg_service.conf\n"
    "  jitwgctl db status --registry postgresql://owner@db.example/jitwg\n\n"
    "The user must own the database, and may create roles, or the roles jitwg_gateway and\n"
    "jitwg_api are there already. Passwords belong into ~/.pgpass or PGPASSWORD, not on the\n"
    "command line. Running it twice, or on two machines at once, does no harm.\n"
    "Exit codes: 0 the schema is this program's; 1 it is not, or was refused; 2 wrong usage;\n"
    "3 the database does not answer.\n";

// What libpq is given. An SQLite registry has none.
Result<std::string> Connection(const CommonOptions& common) {
  const auto address = registry::ParseRegistryAddress(common.registry);
  if (!address) return address.error();
  if (address->kind == "postgres") return address->rest;
  return Error{ErrorCode::kFailedPrecondition,
               "registry " + common.registry +
                   " needs no migration: the file is brought up to date whenever it is opened; "
                   "jitwgctl db is for --registry postgresql://..."};
}

std::string StateOf(const registry::SchemaState& schema) {
  if (schema.version() > schema.known) return "newer";
  if (schema.missing.empty()) return "current";
  return schema.applied.empty() ? "empty" : "behind";
}

std::string Advice(const registry::SchemaState& schema) {
  const std::string state = StateOf(schema);
  if (state == "newer") return "the database is newer than this program; install a newer jitwg";
  if (state == "current") return "up to date";
  return "run jitwgctl db migrate";
}

void PrintStatus(const registry::SchemaState& schema, bool as_json, std::ostream& out) {
  if (as_json) {
    Json json = {{"version", schema.version()},
                 {"known_version", schema.known},
                 {"state", StateOf(schema)},
                 {"applied", Json::array()},
                 {"missing", schema.missing}};
    for (const auto& migration : schema.applied) {
      json["applied"].push_back({{"version", migration.version},
                                 {"name", migration.name},
                                 {"applied_at", FormatTime(migration.applied_at)}});
    }
    PrintJson(out, json);
    return;
  }
  Table table({"migration", "applied"});
  for (const auto& migration : schema.applied) {
    table.Add({Clean(migration.name), FormatTime(migration.applied_at)});
  }
  for (const std::string& name : schema.missing) table.Add({name, "missing"});
  table.Print(out);
  out << "schema version " << schema.version() << ", this program knows " << schema.known << ": "
      << Advice(schema) << "\n";
}

struct Parsed {
  std::string connection;
  bool json = false;
  std::optional<int> exit_code;
};

Parsed Parse(const std::string& name, const std::string& summary, const Arguments& arguments,
             Io io) {
  CommonOptions common;
  ConfigParser parser("jitwgctl db " + name, summary);
  AddCommon(parser, common);
  parser.Examples(kDbExamples);
  parser.Parse(arguments);
  Parsed parsed;
  parsed.exit_code = parser.Finish(io.out, io.err);
  if (parsed.exit_code) return parsed;
  parsed.json = common.json;
  const auto connection = Connection(common);
  if (connection) {
    parsed.connection = *connection;
  } else {
    parsed.exit_code = Fail(io, connection.error());
  }
  return parsed;
}

// How much there is to do is asked only for somebody who looks on.
Result<std::vector<std::string>> MigrateShown(const std::string& connection, Io io) {
  std::size_t missing = 0;
  if (Progress::Shows(io.err)) {
    const auto schema = registry::ReadSchema(connection, kStatusTimeout);
    if (!schema) return schema.error();
    missing = schema->missing.size();
  }
  if (missing == 0) return registry::MigrateSchema(connection, kMigrationTimeout);
  Progress progress(io.err, "migrating", missing);
  progress.At(0);
  return registry::MigrateSchema(connection, kMigrationTimeout,
                                 [&](std::size_t applied) { progress.At(applied); });
}

}  // namespace

int DbMigrateCommand(const Arguments& arguments, Io io) {
  const Parsed parsed =
      Parse("migrate", "Brings a PostgreSQL registry's schema up to date.", arguments, io);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto applied = MigrateShown(parsed.connection, io);
  if (!applied) return Fail(io, applied.error());
  if (parsed.json) {
    PrintJson(io.out, {{"applied", *applied}});
    return kExitOk;
  }
  for (const std::string& name : *applied) io.out << "applied " << name << "\n";
  if (applied->empty()) io.out << "nothing to do: the schema is up to date\n";
  return kExitOk;
}

int DbStatusCommand(const Arguments& arguments, Io io) {
  const Parsed parsed =
      Parse("status", "Says which migrations a PostgreSQL registry has and lacks.", arguments, io);
  if (parsed.exit_code) return *parsed.exit_code;
  const auto schema = registry::ReadSchema(parsed.connection, kStatusTimeout);
  if (!schema) return Fail(io, schema.error());
  PrintStatus(*schema, parsed.json, io.out);
  return StateOf(*schema) == "current" ? kExitOk : kExitFailed;
}

}  // namespace jitwg::ctl
