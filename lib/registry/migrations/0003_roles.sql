-- Two group roles with least privilege. Roles belong to the whole server, so another database's
-- migration may have made them, perhaps at this very moment.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['jitwg_gateway', 'jitwg_api'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
          RAISE EXCEPTION 'this user may not create role %; let an administrator run: CREATE ROLE %',
            wanted, wanted USING ERRCODE = 'insufficient_privilege';
      END;
    END IF;
  END LOOP;
END $$;

REVOKE ALL ON SCHEMA jitwg FROM PUBLIC;
GRANT USAGE ON SCHEMA jitwg TO jitwg_gateway, jitwg_api;
GRANT SELECT ON jitwg.migration TO jitwg_gateway, jitwg_api;

-- ON CONFLICT reads the row it replaces.
GRANT SELECT ON jitwg.peer TO jitwg_gateway;
GRANT SELECT, INSERT, UPDATE ON jitwg.gateway, jitwg.sighting TO jitwg_gateway;

GRANT SELECT ON jitwg.peer, jitwg.network, jitwg.allowed_ip, jitwg.gateway, jitwg.sighting
  TO jitwg_api;
GRANT INSERT, UPDATE, DELETE ON jitwg.peer, jitwg.network TO jitwg_api;
GRANT EXECUTE ON FUNCTION jitwg.allocate(text), jitwg.lock_network(text) TO jitwg_api;
