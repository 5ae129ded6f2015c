#include "lib/registry/postgres_control_plane.h"

#include <span>
#include <utility>

#include "lib/registry/postgres_error.h"
#include "lib/registry/postgres_networks.h"
#include "lib/registry/postgres_peers.h"
#include "lib/registry/postgres_rows.h"

namespace jitwg::registry {
namespace {

// lower() of "C" changes ASCII only; position() knows no wildcards.
constexpr const char* kSearch =
    "SELECT " JITWG_POSTGRES_PEER_COLUMNS
    " FROM jitwg.peer p WHERE p.public_key > $1::bytea AND ($2::text = '' OR p.network = $2::text)"
    " AND (NOT $3::boolean OR p.pinned) AND ($4::boolean IS NULL OR p.enabled = $4::boolean)"
    " AND ($5::text IS NULL OR"
    " position(lower($5::text COLLATE \"C\") IN lower(p.name COLLATE \"C\")) > 0)"
    " AND ($6::text IS NULL OR p.gateway = $6::text) ORDER BY p.public_key LIMIT $7::bigint";

void AddText(PostgresParameters& parameters, const std::optional<std::string>& text) {
  if (text) {
    parameters.Text(*text);
  } else {
    parameters.Null();
  }
}

Result<CreatedPeer> CreateInside(PostgresSession& session, const Peer& wish, WallTime now,
                                 SteadyTime deadline) {
  auto stored = SelectPeer(session, wish.public_key, false, deadline);
  if (!stored) return stored.error();
  if (!*stored) {
    auto inserted = InsertPeer(session, wish, now, deadline);
    if (!inserted) return inserted.error();
    if (*inserted) return CreatedPeer{std::move(**inserted), true};
    // Another created it since; an address that was taken for this one must not stay taken.
    return Error{ErrorCode::kAborted, "the peer was created at the same time; try again"};
  }
  const auto unmet = UnmetWishes(wish, **stored);
  if (!unmet.empty()) return OtherSettings(wish.public_key, unmet);
  return CreatedPeer{std::move(**stored), false};
}

Result<Peer> UpdateInside(PostgresSession& session, const PublicKey& key, const PeerPatch& patch,
                          WallTime now, Peer& wanted, SteadyTime deadline) {
  auto before = SelectPeer(session, key, true, deadline);
  if (!before) return before.error();
  if (!*before) return NoSuchPeer(key);
  auto after = Apply(patch, **before);
  if (!after || SameSettings(**before, *after)) return after;
  wanted = after->Clone();
  return UpdatePeer(session, *after, now, deadline);
}

// Runs `work` in one transaction. An overlap is looked at afterwards, when the failed transaction
// has been rolled back: `wanted` is the peer that could not be written.
template <class T, class Work>
Result<T> InTransaction(PostgresSession& session, SteadyTime deadline, const Peer& wanted,
                        const Work& work) {
  bool overlaps = false;
  {
    auto transaction = PostgresTransaction::Begin(session, deadline);
    if (!transaction) return transaction.error();
    Result<T> result = work();
    overlaps = !result && session.sqlstate() == kExclusionViolation;
    if (!overlaps) {
      if (!result) return result;
      if (auto committed = transaction->Commit(); !committed) return committed.error();
      return result;
    }
  }
  return OverlapError(session, wanted, deadline);
}

}  // namespace

Result<std::unique_ptr<PostgresControlPlane>> PostgresControlPlane::Open(
    std::string connection, const Clock& clock, std::chrono::milliseconds call_timeout) {
  auto settings = PostgresSettings::Parse(std::move(connection));
  if (!settings) return settings.error();
  return std::unique_ptr<PostgresControlPlane>(
      new PostgresControlPlane(*settings, clock, call_timeout));
}

Result<CreatedPeer> PostgresControlPlane::Create(const Peer& wish) {
  if (auto valid = ValidateWish(wish); !valid) return valid.error();
  const WallTime now = clock_.WallNow();
  return writer_.With<CreatedPeer>([&](PostgresSession& session, SteadyTime deadline) {
    return InTransaction<CreatedPeer>(session, deadline, wish,
                                      [&] { return CreateInside(session, wish, now, deadline); });
  });
}

Result<std::optional<Peer>> PostgresControlPlane::Get(const PublicKey& key) {
  return reader_.With<std::optional<Peer>>([&](PostgresSession& session, SteadyTime deadline) {
    return SelectPeer(session, key, false, deadline);
  });
}

Result<std::vector<Peer>> PostgresControlPlane::Search(const PeerFilter& filter) {
  const ListQuery& query = filter.query;
  if (query.limit < 1 || query.limit > kMaxListLimit) {
    return Error{ErrorCode::kInvalidArgument, "a list's limit is within 1.." +
                                                  std::to_string(kMaxListLimit) + ", not " +
                                                  std::to_string(query.limit)};
  }
  return reader_.With<std::vector<Peer>>(
      [&](PostgresSession& session, SteadyTime deadline) -> Result<std::vector<Peer>> {
        PostgresParameters parameters;
        parameters.Bytes(query.after ? std::span<const std::uint8_t>(query.after->bytes)
                                     : std::span<const std::uint8_t>());
        parameters.Text(query.network).Bool(query.pinned_only);
        if (filter.enabled) {
          parameters.Bool(*filter.enabled);
        } else {
          parameters.Null();
        }
        AddText(parameters, filter.name_contains);
        AddText(parameters, filter.gateway);
        parameters.Number(static_cast<std::int64_t>(query.limit));
        const auto rows = session.Run(kSearch, parameters, deadline);
        if (!rows) return rows.error();
        return ReadPeers(rows->get());
      });
}

Result<Peer> PostgresControlPlane::Update(const PublicKey& key, const PeerPatch& patch) {
  const WallTime now = clock_.WallNow();
  return writer_.With<Peer>([&](PostgresSession& session, SteadyTime deadline) {
    Peer wanted;
    return InTransaction<Peer>(session, deadline, wanted, [&] {
      return UpdateInside(session, key, patch, now, wanted, deadline);
    });
  });
}

Status PostgresControlPlane::Delete(const PublicKey& key) { return writer_.Remove(key); }

Status PostgresControlPlane::PutNetwork(const Network& network) {
  if (auto valid = Validate(network); !valid) return valid;
  const WallTime now = clock_.WallNow();
  return writer_.With<void>([&](PostgresSession& session, SteadyTime deadline) {
    return WriteNetwork(session, network, now, deadline);
  });
}

Result<std::vector<Network>> PostgresControlPlane::ListNetworks() {
  return reader_.With<std::vector<Network>>(ReadNetworks);
}

Status PostgresControlPlane::DeleteNetwork(const std::string& name) {
  return writer_.With<void>([&](PostgresSession& session, SteadyTime deadline) -> Status {
    auto transaction = PostgresTransaction::Begin(session, deadline);
    if (!transaction) return transaction.error();
    if (auto erased = EraseNetwork(session, name, deadline); !erased) return erased;
    return transaction->Commit();
  });
}

Result<std::vector<Gateway>> PostgresControlPlane::ListGateways() {
  return reader_.With<std::vector<Gateway>>(ReadGateways);
}

Result<std::vector<Sighting>> PostgresControlPlane::SightingsOf(
    const std::vector<PublicKey>& keys) {
  return reader_.With<std::vector<Sighting>>([&](PostgresSession& session, SteadyTime deadline) {
    return ReadSightings(session, keys, deadline);
  });
}

Status PostgresControlPlane::Health() {
  return reader_.With<void>([](PostgresSession& session, SteadyTime deadline) -> Status {
    const auto row = session.Run("SELECT 1 FROM jitwg.peer LIMIT 1", deadline);
    if (!row) return row.error();
    return {};
  });
}

}  // namespace jitwg::registry
