// The filter is judged by running it, compiled as the tap compiles it.
#include "sniffer/outbound/outbound_filter.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace jitwg::sniffer {
namespace {

class Filter {
 public:
  explicit Filter(const std::vector<std::string>& prefixes)
      : handle_(::pcap_open_dead(DLT_RAW, 256), &::pcap_close) {
    std::vector<IpPrefix> parsed;
    for (const auto& text : prefixes) parsed.push_back(*IpPrefix::Parse(text));
    const std::string text = OutboundFilter(parsed);
    compiled_ =
        ::pcap_compile(handle_.get(), &program_, text.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0;
    EXPECT_TRUE(compiled_) << text << ": " << ::pcap_geterr(handle_.get());
  }
  ~Filter() { ::pcap_freecode(&program_); }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  bool Passes(const std::string& destination) const {
    const IpAddress address = *IpAddress::Parse(destination);
    std::vector<std::uint8_t> packet(60);
    packet[0] = address.is_v4() ? 0x45 : 0x60;
    const auto bytes = address.bytes();
    std::copy(bytes.begin(), bytes.end(), packet.begin() + (address.is_v4() ? 16 : 24));
    pcap_pkthdr header{};
    header.len = header.caplen = static_cast<bpf_u_int32>(packet.size());
    return compiled_ && ::pcap_offline_filter(&program_, &header, packet.data()) != 0;
  }

 private:
  std::unique_ptr<pcap_t, void (*)(pcap_t*)> handle_;
  bpf_program program_{};
  bool compiled_ = false;
};

TEST(OutboundFilterTest, PassesWhatIsInsideThePrefixes) {
  const Filter filter({"10.8.0.0/16", "10.20.1.0/24", "fd08::/64", "2001:db8::5/128"});
  for (const char* inside : {"10.8.0.1", "10.8.255.255", "10.20.1.7", "fd08::1:2", "2001:db8::5"}) {
    EXPECT_TRUE(filter.Passes(inside)) << inside;
  }
  for (const char* outside : {"10.9.0.1", "10.20.2.7", "fd08:0:0:1::1", "2001:db8::6"}) {
    EXPECT_FALSE(filter.Passes(outside)) << outside;
  }
}

TEST(OutboundFilterTest, OneFamilyDoesNotOpenTheOther) {
  EXPECT_FALSE(Filter({"0.0.0.0/0"}).Passes("fd08::1"));
  EXPECT_TRUE(Filter({"0.0.0.0/0"}).Passes("10.8.0.1"));
  EXPECT_FALSE(Filter({"::/0"}).Passes("10.8.0.1"));
  EXPECT_TRUE(Filter({"::/0"}).Passes("fd08::1"));
}

TEST(OutboundFilterTest, NoPrefixPassesNothing) {
  EXPECT_FALSE(Filter({}).Passes("10.8.0.1"));
  EXPECT_FALSE(Filter({}).Passes("fd08::1"));
}

TEST(OutboundFilterTest, ManyPrefixesStillCompile) {
  std::vector<std::string> prefixes;
  for (int i = 0; i < 200; ++i) prefixes.push_back("10." + std::to_string(i) + ".7.0/24");
  for (int i = 0; i < 200; ++i)
    prefixes.push_back("fd08:0:0:" + std::to_string(1000 + i) + "::/64");
  const Filter filter(prefixes);
  EXPECT_TRUE(filter.Passes("10.199.7.1"));
  EXPECT_TRUE(filter.Passes("fd08:0:0:1199::1"));
  EXPECT_FALSE(filter.Passes("10.199.8.1"));
}

}  // namespace
}  // namespace jitwg::sniffer
