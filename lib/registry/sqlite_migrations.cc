#include "lib/registry/sqlite_migrations.h"

#include <array>

#include "lib/registry/sqlite_schema.h"

namespace jitwg::registry {
namespace {

// Times are microseconds since 1970. Addresses of both families are 16 bytes, IPv4 padded with
// zeros behind; `first` and `last` are a prefix's ends. Rows of one network never overlap, so the
// row with the greatest first <= NEW.last is the only one that could reach into a new prefix: one
// step in the index. Who edits allowed_ip by hand must touch the peer's updated_at, which is what
// tells the gateways.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE peer (
  public_key BLOB PRIMARY KEY CHECK (length(public_key) = 32),
  name TEXT NOT NULL CHECK (length(CAST(name AS BLOB)) <= 128),
  network TEXT NOT NULL CHECK (length(network) BETWEEN 1 AND 63),
  preshared_key BLOB CHECK (preshared_key IS NULL OR length(preshared_key) = 32),
  persistent_keepalive INTEGER NOT NULL CHECK (persistent_keepalive BETWEEN 0 AND 65535),
  pinned INTEGER NOT NULL CHECK (pinned IN (0, 1)),
  gateway TEXT NOT NULL CHECK (length(CAST(gateway AS BLOB)) <= 128),
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  expires_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX peer_pinned ON peer (public_key) WHERE pinned = 1;
CREATE INDEX peer_network ON peer (network, public_key);

CREATE TABLE allowed_ip (
  public_key BLOB NOT NULL REFERENCES peer (public_key) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 127),
  network TEXT NOT NULL,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  first BLOB NOT NULL CHECK (length(first) = 16),
  last BLOB NOT NULL CHECK (length(last) = 16 AND first <= last),
  prefix_length INTEGER NOT NULL CHECK (prefix_length BETWEEN 0 AND 128),
  PRIMARY KEY (public_key, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX allowed_ip_range ON allowed_ip (network, family, first, last);

CREATE TRIGGER allowed_ip_no_overlap BEFORE INSERT ON allowed_ip
WHEN (SELECT last FROM allowed_ip
      WHERE network = NEW.network AND family = NEW.family AND first <= NEW.last
      ORDER BY first DESC LIMIT 1) >= NEW.first
BEGIN SELECT RAISE(ABORT, 'allowed IP overlaps that of another peer in the network'); END;

CREATE TRIGGER allowed_ip_same_network BEFORE INSERT ON allowed_ip
WHEN (SELECT network FROM peer WHERE public_key = NEW.public_key) IS NOT NEW.network
BEGIN SELECT RAISE(ABORT, 'allowed IP names another network than its peer'); END;

CREATE TRIGGER allowed_ip_no_update BEFORE UPDATE ON allowed_ip
BEGIN SELECT RAISE(ABORT, 'allowed IPs are deleted and inserted, never updated'); END;

CREATE TRIGGER peer_network_stays BEFORE UPDATE OF network, public_key ON peer
WHEN (NEW.network <> OLD.network OR NEW.public_key <> OLD.public_key)
     AND EXISTS (SELECT 1 FROM allowed_ip WHERE public_key = OLD.public_key)
BEGIN SELECT RAISE(ABORT, 'delete the allowed IPs before the network changes'); END;

CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  public_key BLOB NOT NULL
) STRICT;
CREATE TRIGGER peer_created AFTER INSERT ON peer
BEGIN INSERT INTO change (public_key) VALUES (NEW.public_key); END;
CREATE TRIGGER peer_changed AFTER UPDATE ON peer
BEGIN INSERT INTO change (public_key) VALUES (NEW.public_key); END;
CREATE TRIGGER peer_removed AFTER DELETE ON peer
BEGIN
  -- Also where a connection has foreign keys off.
  DELETE FROM allowed_ip WHERE public_key = OLD.public_key;
  INSERT INTO change (public_key) VALUES (OLD.public_key);
END;
CREATE TRIGGER change_bounded AFTER INSERT ON change
BEGIN DELETE FROM change WHERE seq <= NEW.seq - 10000; END;

PRAGMA application_id = 0x6a697477;
PRAGMA user_version = 1;
)sql";

// `free_from` is a lower bound of the pool's lowest free address, so that an allocation need not
// pass all that are taken; whoever frees an address lowers it.
constexpr const char* kVersion2 = R"sql(
CREATE TABLE network (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
  network TEXT NOT NULL REFERENCES network (name) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 7),
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  first BLOB NOT NULL CHECK (length(first) = 16),
  last BLOB NOT NULL CHECK (length(last) = 16 AND first <= last),
  prefix_length INTEGER NOT NULL CHECK (prefix_length BETWEEN 0 AND 128),
  free_from BLOB NOT NULL CHECK (length(free_from) = 16),
  PRIMARY KEY (network, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER network_removed AFTER DELETE ON network
BEGIN DELETE FROM pool WHERE network = OLD.name; END;
CREATE TRIGGER allowed_ip_freed AFTER DELETE ON allowed_ip
BEGIN
  UPDATE pool SET free_from = max(first, OLD.first)
  WHERE network = OLD.network AND family = OLD.family
        AND OLD.first < free_from AND OLD.last >= first;
END;

CREATE TABLE gateway (
  name TEXT PRIMARY KEY CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 128),
  version TEXT NOT NULL CHECK (length(CAST(version AS BLOB)) <= 128),
  peers INTEGER NOT NULL CHECK (peers >= 0),
  reported_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sighting (
  public_key BLOB NOT NULL REFERENCES peer (public_key) ON DELETE CASCADE,
  gateway TEXT NOT NULL CHECK (length(CAST(gateway AS BLOB)) BETWEEN 1 AND 128),
  interface TEXT NOT NULL CHECK (length(CAST(interface AS BLOB)) BETWEEN 1 AND 15),
  address BLOB NOT NULL CHECK (length(address) IN (4, 16)),
  port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),
  scope_id INTEGER NOT NULL CHECK (scope_id BETWEEN 0 AND 4294967295),
  last_handshake INTEGER,
  rx_bytes INTEGER NOT NULL CHECK (rx_bytes >= 0),
  tx_bytes INTEGER NOT NULL CHECK (tx_bytes >= 0),
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (public_key, gateway)
) STRICT, WITHOUT ROWID;
CREATE INDEX sighting_gateway ON sighting (gateway, public_key);
CREATE TRIGGER peer_removed_sightings AFTER DELETE ON peer
BEGIN DELETE FROM sighting WHERE public_key = OLD.public_key; END;

PRAGMA user_version = 2;
)sql";

constexpr std::array<const char*, 2> kSteps{kVersion1, kVersion2};
static_assert(kKeptChanges == 10'000 && kSchemaVersion == kSteps.size() &&
              kApplicationId == 0x6a697477);

}  // namespace

Status Migrate(SqliteDatabase& database, int from, int to) {
  for (int step = from; step < to; ++step) {
    auto done = database.Execute(kSteps.at(static_cast<std::size_t>(step)));
    if (!done) return done;
  }
  return {};
}

}  // namespace jitwg::registry
