# The decode command. The only one that reads packets, hence a room of its own.
jitwg_room(jitwg_ctl_decode
  SOURCES decode.cc
  HEADERS decode.h
  DEPS jitwg_base jitwg_noise jitwg_capture nlohmann_json::nlohmann_json fmt::fmt)
