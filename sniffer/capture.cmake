# The capture room: libpcap sources, the filter text and the pure datagram decoder.
jitwg_room(jitwg_capture
  SOURCES capture/datagram.cc capture/filter.cc capture/ip_layer.cc capture/link_layer.cc capture/link_type.cc
          capture/live_handle.cc capture/pcap_file_source.cc capture/pcap_source.cc
  HEADERS capture/datagram.h capture/filter.h capture/layers.h capture/link_type.h capture/live_handle.h
          capture/packet_source.h capture/pcap_file_source.h capture/pcap_source.h
  DEPS jitwg_base PkgConfig::pcap)
