# jitwg_test_initiator: makes handshake initiations for tests, and whole tunnels. Must not link jitwg_noise, which it is there to check.
jitwg_room(jitwg_test_initiator
  SOURCES initiator.cc noise_steps.cc tunnel.cc
  HEADERS initiator.h noise_steps.h tunnel.h
  DEPS jitwg_base PkgConfig::libb2)
