# Frames for the tests of capture and of whatever reads captures.
jitwg_room(jitwg_test_frames
  SOURCES frames.cc
  HEADERS frames.h fake_packet_source.h
  DEPS jitwg_capture)
