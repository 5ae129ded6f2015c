# The in-memory registry and its fault injector.
jitwg_room(jitwg_fake_registry
  SOURCES fake_registry.cc
  HEADERS fake_registry.h manual_clock.h
  DEPS jitwg_registry)
# A private PostgreSQL server.
jitwg_room(jitwg_test_postgres
  SOURCES postgres_server.cc tcp_proxy.cc
  HEADERS postgres_server.h tcp_proxy.h
  DEPS jitwg_registry)
