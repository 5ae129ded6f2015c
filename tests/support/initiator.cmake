# jitwg_test_initiator: makes handshake initiations for tests. Must not link jitwg_noise, which it is there to check.
jitwg_room(jitwg_test_initiator
  SOURCES initiator.cc
  HEADERS initiator.h
  DEPS jitwg_base PkgConfig::libb2)
