-- Addresses out of a network's pools. The caller inserts the peer in the same transaction, during
-- which nobody else changes the network's addresses.

-- The lowest address of the pool from `start` on that no allowed IP of the network covers; NULL when
-- there is none. Never the pool's first, which is the gateway's, nor IPv4's last.
CREATE FUNCTION jitwg.lowest_free(network_name text, pool cidr, start inet) RETURNS inet
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  bits constant integer := CASE family(pool) WHEN 4 THEN 32 ELSE 128 END;
  last constant inet := set_masklen(broadcast(pool), bits) - CASE family(pool) WHEN 4 THEN 1 ELSE 0 END;
  candidate inet := greatest(set_masklen(pool::inet, bits) + 1, start);
  taken cidr;
BEGIN
  WHILE candidate <= last LOOP
    SELECT a.prefix INTO taken FROM jitwg.allowed_ip a
      WHERE a.network = network_name AND a.prefix >>= candidate;
    IF NOT FOUND THEN
      RETURN candidate;
    END IF;
    -- Adding one to the last address there is would be an error.
    IF set_masklen(broadcast(taken), bits) >= last THEN
      RETURN NULL;
    END IF;
    candidate := set_masklen(broadcast(taken), bits) + 1;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION jitwg.take_from_pool(network_name text, wanted cidr) RETURNS inet
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  hint jitwg.pool_hint;
  found_address inet;
BEGIN
  SELECT * INTO hint FROM jitwg.pool_hint h WHERE h.network = network_name AND h.pool = wanted;
  IF NOT FOUND THEN
    hint.free_from := wanted::inet;
  END IF;
  IF hint.free_from IS NULL THEN
    RETURN NULL;
  END IF;
  found_address := jitwg.lowest_free(network_name, wanted, set_masklen(hint.free_from,
    CASE family(wanted) WHEN 4 THEN 32 ELSE 128 END));
  INSERT INTO jitwg.pool_hint AS h (network, pool, free_from)
    VALUES (network_name, wanted, found_address)
    ON CONFLICT (network, pool) DO UPDATE SET free_from = excluded.free_from;
  RETURN found_address;
END $$;

-- One address of each family that the network has a pool for. SQLSTATEs of its own: JW001 no such
-- network, JW002 it has no pools, JW003 they are used up.
CREATE FUNCTION jitwg.allocate(network_name text) RETURNS cidr[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  pool cidr;
  pools cidr[];
  wanted_family integer;
  address inet;
  addresses cidr[] := '{}';
BEGIN
  PERFORM jitwg.lock_network(network_name);
  SELECT n.pools INTO pools FROM jitwg.network n WHERE n.name = network_name FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'network % is unknown, so no address can be allocated; create it with pools, or name the peer''s allowed IPs', network_name
      USING ERRCODE = 'JW001';
  ELSIF cardinality(pools) = 0 THEN
    RAISE EXCEPTION 'network % has no pools; name the peer''s allowed IPs', network_name
      USING ERRCODE = 'JW002';
  END IF;
  FOREACH wanted_family IN ARRAY ARRAY[4, 6] LOOP
    CONTINUE WHEN NOT EXISTS (SELECT FROM unnest(pools) AS p WHERE family(p) = wanted_family);
    address := NULL;
    FOREACH pool IN ARRAY pools LOOP
      CONTINUE WHEN family(pool) <> wanted_family OR address IS NOT NULL;
      address := jitwg.take_from_pool(network_name, pool);
    END LOOP;
    IF address IS NULL THEN
      RAISE EXCEPTION 'the IPv% pools of network % are used up; give it another pool, or delete peers', wanted_family, network_name
        USING ERRCODE = 'JW003';
    END IF;
    addresses := addresses || address::cidr;
  END LOOP;
  RETURN addresses;
END $$;

REVOKE ALL ON FUNCTION jitwg.allocate(text), jitwg.take_from_pool(text, cidr),
  jitwg.lowest_free(text, cidr, inet) FROM PUBLIC;
