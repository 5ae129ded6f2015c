-- A gateway that has a packet for an address asks whose it is. What this table says of a peer,
-- jitwg.peer says too.
GRANT SELECT ON jitwg.allowed_ip TO jitwg_gateway;
