-- The registry: peers, networks, and what gateways report. Runs inside the migration's transaction.

DO $$
BEGIN
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the database has encoding %, jitwg needs UTF8; create it with ENCODING ''UTF8''',
      current_setting('server_encoding') USING ERRCODE = 'feature_not_supported';
  END IF;
END $$;

-- "=" of text inside a GiST index. A trusted extension: the database's owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION jitwg.is_plain_text(value text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN octet_length(value) <= 128 AND value !~ '[\u0001-\u001f\u007f-\u009f]';

CREATE TABLE jitwg.peer (
  public_key bytea PRIMARY KEY
    CHECK (octet_length(public_key) = 32 AND public_key <> decode(repeat('00', 32), 'hex')),
  name text NOT NULL DEFAULT '' CHECK (jitwg.is_plain_text(name)),
  network text COLLATE "C" NOT NULL DEFAULT 'default' CHECK (network ~ '^[a-z0-9-]{1,63}$'),
  allowed_ips cidr[] NOT NULL
    CHECK (array_ndims(allowed_ips) = 1 AND cardinality(allowed_ips) BETWEEN 1 AND 128
           AND array_position(allowed_ips, NULL) IS NULL),
  preshared_key bytea
    CHECK (octet_length(preshared_key) = 32 AND preshared_key <> decode(repeat('00', 32), 'hex')),
  persistent_keepalive integer NOT NULL DEFAULT 0 CHECK (persistent_keepalive BETWEEN 0 AND 65535),
  pinned boolean NOT NULL DEFAULT false,
  gateway text NOT NULL DEFAULT '' CHECK (jitwg.is_plain_text(gateway)),
  enabled boolean NOT NULL DEFAULT true,
  expires_at timestamptz CHECK (isfinite(expires_at)),
  created_at timestamptz NOT NULL DEFAULT now() CHECK (isfinite(created_at)),
  updated_at timestamptz NOT NULL DEFAULT now() CHECK (isfinite(updated_at))
);
CREATE INDEX peer_pinned ON jitwg.peer (public_key) WHERE pinned;
CREATE INDEX peer_network ON jitwg.peer (network, public_key);
COMMENT ON COLUMN jitwg.peer.preshared_key IS 'secret';

-- One row for each allowed IP of jitwg.peer, written by its trigger alone. Here and nowhere else
-- two prefixes of one network are kept from overlapping, whoever writes and however many at once.
CREATE TABLE jitwg.allowed_ip (
  public_key bytea NOT NULL,
  network text COLLATE "C" NOT NULL,
  prefix cidr NOT NULL,
  CONSTRAINT allowed_ip_no_overlap
    EXCLUDE USING gist (network WITH =, prefix inet_ops WITH &&)
);
CREATE INDEX allowed_ip_public_key ON jitwg.allowed_ip (public_key);

CREATE TABLE jitwg.network (
  name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,63}$'),
  pools cidr[] NOT NULL DEFAULT '{}'
    CHECK (coalesce(array_ndims(pools), 1) = 1 AND cardinality(pools) <= 8
           AND array_position(pools, NULL) IS NULL),
  created_at timestamptz NOT NULL DEFAULT now() CHECK (isfinite(created_at))
);

-- Below free_from no address of the pool is free: where the search for one begins. Rows come with the
-- first search and go with the network's pools; nothing is lost without them but time.
CREATE TABLE jitwg.pool_hint (
  network text COLLATE "C" NOT NULL REFERENCES jitwg.network (name) ON DELETE CASCADE,
  pool cidr NOT NULL,
  free_from inet,  -- NULL: none at all
  PRIMARY KEY (network, pool)
);

CREATE TABLE jitwg.gateway (
  name text PRIMARY KEY CHECK (name <> '' AND jitwg.is_plain_text(name)),
  version text NOT NULL CHECK (jitwg.is_plain_text(version)),
  peers bigint NOT NULL CHECK (peers >= 0),
  reported_at timestamptz NOT NULL DEFAULT now() CHECK (isfinite(reported_at))
);

-- The newest sighting of each peer by each gateway.
CREATE TABLE jitwg.sighting (
  public_key bytea NOT NULL REFERENCES jitwg.peer (public_key) ON DELETE CASCADE,
  gateway text NOT NULL CHECK (gateway <> '' AND jitwg.is_plain_text(gateway)),
  interface text NOT NULL CHECK (octet_length(interface) BETWEEN 1 AND 15),
  endpoint_address inet NOT NULL CHECK (masklen(endpoint_address) IN (32, 128)),
  endpoint_port integer NOT NULL CHECK (endpoint_port BETWEEN 0 AND 65535),
  endpoint_scope bigint NOT NULL CHECK (endpoint_scope BETWEEN 0 AND 4294967295),
  last_handshake timestamptz CHECK (isfinite(last_handshake)),
  rx_bytes bigint NOT NULL CHECK (rx_bytes >= 0),
  tx_bytes bigint NOT NULL CHECK (tx_bytes >= 0),
  seen_at timestamptz NOT NULL CHECK (isfinite(seen_at)),
  PRIMARY KEY (public_key, gateway)
);

-- A write by hand that leaves updated_at alone still gets a new one.
CREATE FUNCTION jitwg.touch_peer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
    NEW.updated_at := clock_timestamp();
  END IF;
  RETURN NEW;
END $$;

-- Whoever changes the addresses of a network waits for whoever does so already. Without it two who
-- want the same address would each wait for the other inside the exclusion constraint, until the
-- deadlock detector ends one of them.
CREATE FUNCTION jitwg.lock_network(name text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT pg_advisory_xact_lock(hashtextextended('jitwg ' || name, 0)) $$;

-- Runs as the owner: nobody else may write jitwg.allowed_ip.
CREATE FUNCTION jitwg.spread_allowed_ips() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Of two networks always the lesser first.
  IF TG_OP = 'UPDATE' AND OLD.network <> NEW.network THEN
    PERFORM jitwg.lock_network(least(OLD.network, NEW.network));
  END IF;
  IF TG_OP <> 'INSERT' THEN
    PERFORM jitwg.lock_network(OLD.network);
    DELETE FROM jitwg.allowed_ip WHERE public_key = OLD.public_key;
    -- min() of what the peer gives back, or of the hint: NULL counts for nothing in least().
    UPDATE jitwg.pool_hint h SET free_from = least(h.free_from, (
        SELECT min(set_masklen(given::inet, CASE family(given) WHEN 4 THEN 32 ELSE 128 END))
        FROM unnest(OLD.allowed_ips) AS given WHERE given && h.pool))
      WHERE h.network = OLD.network AND h.pool && ANY (OLD.allowed_ips);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM jitwg.lock_network(NEW.network);
    INSERT INTO jitwg.allowed_ip (public_key, network, prefix)
      SELECT NEW.public_key, NEW.network, unnest(NEW.allowed_ips);
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION jitwg.notify_peer() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    PERFORM pg_notify('jitwg_peer', encode(OLD.public_key, 'base64'));
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM pg_notify('jitwg_peer', encode(NEW.public_key, 'base64'));
  END IF;
  RETURN NULL;
END $$;

-- An empty payload says that anything may have changed.
CREATE FUNCTION jitwg.empty_peer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM jitwg.allowed_ip;
  DELETE FROM jitwg.pool_hint;
  PERFORM pg_notify('jitwg_peer', '');
  RETURN NULL;
END $$;

CREATE TRIGGER peer_touch BEFORE UPDATE ON jitwg.peer
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION jitwg.touch_peer();
CREATE TRIGGER peer_spread_new AFTER INSERT OR DELETE ON jitwg.peer
  FOR EACH ROW EXECUTE FUNCTION jitwg.spread_allowed_ips();
CREATE TRIGGER peer_spread AFTER UPDATE ON jitwg.peer
  FOR EACH ROW WHEN ((OLD.public_key, OLD.network, OLD.allowed_ips) IS DISTINCT FROM
                     (NEW.public_key, NEW.network, NEW.allowed_ips))
  EXECUTE FUNCTION jitwg.spread_allowed_ips();
CREATE TRIGGER peer_notify_new AFTER INSERT OR DELETE ON jitwg.peer
  FOR EACH ROW EXECUTE FUNCTION jitwg.notify_peer();
CREATE TRIGGER peer_notify AFTER UPDATE ON jitwg.peer
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION jitwg.notify_peer();
CREATE TRIGGER peer_emptied AFTER TRUNCATE ON jitwg.peer
  FOR EACH STATEMENT EXECUTE FUNCTION jitwg.empty_peer();

-- New pools are searched from their beginning.
CREATE FUNCTION jitwg.forget_pool_hints() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM jitwg.lock_network(OLD.name);
  DELETE FROM jitwg.pool_hint WHERE network = OLD.name;
  RETURN NEW;
END $$;
CREATE TRIGGER network_hints BEFORE UPDATE ON jitwg.network
  FOR EACH ROW EXECUTE FUNCTION jitwg.forget_pool_hints();

REVOKE ALL ON FUNCTION jitwg.forget_pool_hints() FROM PUBLIC;
REVOKE ALL ON FUNCTION jitwg.spread_allowed_ips(), jitwg.empty_peer() FROM PUBLIC;
