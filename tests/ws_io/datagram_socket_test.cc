#include "lib/ws_io/datagram_socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

#include "lib/ws_io/socket_address.h"

namespace jitwg::ws {
namespace {

Endpoint PortOf(const Descriptor& socket) {
  SocketAddress address;
  address.length = sizeof(address.storage);
  ::getsockname(socket.get(), address.get(), &address.length);
  return *ToEndpoint(address.storage);
}

Descriptor Bound() { return *BindDatagrams(*ParseEndpoint("127.0.0.1:0")); }

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string Text(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

std::size_t Receive(const Descriptor& socket, ReceiveBatch& batch) {
  pollfd one{socket.get(), POLLIN, 0};
  ::poll(&one, 1, 10'000);
  return batch.Receive(socket.get());
}

TEST(ConnectDatagrams, SpeaksFromAnyLoopbackAddress) {
  const Descriptor gateway = Bound();
  const auto client = ConnectDatagrams(PortOf(gateway), *IpAddress::Parse("127.77.3.4"));
  ASSERT_TRUE(client) << client.error().message;
  SendBatch out;
  out.Add(Bytes("hello"));
  EXPECT_EQ(out.Flush(client->get()), 0U);
  ReceiveBatch in(100);
  ASSERT_EQ(Receive(gateway, in), 1U);
  EXPECT_EQ(ToEndpoint(in.sender(0))->address.ToString(), "127.77.3.4");
}

TEST(ConnectDatagrams, NamesTheAddressThatIsNotOfThisHost) {
  const auto client =
      ConnectDatagrams(*ParseEndpoint("127.0.0.1:9"), *IpAddress::Parse("192.0.2.1"));
  ASSERT_FALSE(client);
  EXPECT_NE(client.error().message.find("192.0.2.1"), std::string::npos);
}

TEST(SendBatch, KeepsOrderAndBoundariesOfAFullBatch) {
  const Descriptor gateway = Bound();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  std::vector<std::string> texts;
  SendBatch out;
  for (std::size_t i = 0; i < kBatch; ++i) texts.push_back("number " + std::to_string(i));
  for (const std::string& text : texts) out.Add(Bytes(text));
  EXPECT_TRUE(out.full());
  EXPECT_EQ(out.Flush(client->get()), 0U);
  EXPECT_TRUE(out.empty());
  ReceiveBatch in(100);
  ASSERT_EQ(Receive(gateway, in), kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) EXPECT_EQ(Text(in.datagram(i)), texts[i]);
  EXPECT_EQ(in.Receive(gateway.get()), 0U);
  EXPECT_FALSE(in.failed());
}

TEST(SendBatch, LosesNothingToTheNewsThatNobodyListenedBefore) {
  const Endpoint port = PortOf(Bound());
  const auto client = ConnectDatagrams(port, std::nullopt);
  SendBatch out;
  out.Add(Bytes("to nobody"));
  out.Flush(client->get());
  const auto gateway = BindDatagrams(port);
  ASSERT_TRUE(gateway) << gateway.error().message;
  out.Add(Bytes("to somebody"));
  EXPECT_EQ(out.Flush(client->get()), 0U);
  ReceiveBatch in(100);
  ASSERT_EQ(Receive(*gateway, in), 1U);
  EXPECT_EQ(Text(in.datagram(0)), "to somebody");
}

TEST(SendBatch, CountsWhatTheKernelDoesNotTake) {
  const auto client = ConnectDatagrams(PortOf(Bound()), std::nullopt);
  const std::string too_long(70'000, 'x');
  SendBatch out;
  out.Add(Bytes(too_long));
  EXPECT_EQ(out.Flush(client->get()), 1U);
}

// A gateway that is told how the packets left: segmented ones come whole.
Descriptor BoundForWholePackets() {
  Descriptor gateway = Bound();
  const int on = 1;
  ::setsockopt(gateway.get(), SOL_UDP, UDP_GRO, &on, sizeof(on));
  return gateway;
}

std::string Message(char type, std::size_t size) {
  std::string message(size, 'x');
  message.replace(0, 4, {type, 0, 0, 0});
  return message;
}

// The packets that come until they have `bytes` together.
std::vector<std::string> ReceiveAll(const Descriptor& gateway, std::size_t bytes) {
  ReceiveBatch in(65'536);
  std::vector<std::string> packets;
  while (bytes > 0) {
    const std::size_t count = Receive(gateway, in);
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i) {
      packets.push_back(Text(in.datagram(i)));
      bytes -= std::min(bytes, packets.back().size());
    }
  }
  return packets;
}

// Sends all in one batch on `client`: the packets that came.
std::vector<std::string> Packets(const Descriptor& gateway, const Descriptor& client,
                                 const std::vector<std::string>& datagrams, SendBatch out = {}) {
  std::size_t bytes = 0;
  for (const std::string& datagram : datagrams) {
    out.Add(Bytes(datagram));
    bytes += datagram.size();
  }
  EXPECT_EQ(out.Flush(client.get()), 0U);
  return ReceiveAll(gateway, bytes);
}

std::vector<std::size_t> Sizes(const std::vector<std::string>& packets) {
  std::vector<std::size_t> sizes;
  for (const std::string& packet : packets) sizes.push_back(packet.size());
  return sizes;
}

TEST(SendBatch, JoinsTransportDataOfOneLengthAndAShorterLast) {
  if (!KernelSegments()) GTEST_SKIP() << "this kernel has no UDP_SEGMENT (Linux 4.18)";
  const Descriptor gateway = BoundForWholePackets();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  const std::vector<std::string> datagrams = {Message(4, 100), Message(4, 100), Message(4, 60),
                                              Message(4, 60), Message(4, 100)};
  // A shorter one ends the run, and a longer one begins another.
  EXPECT_EQ(Sizes(Packets(gateway, *client, datagrams)), (std::vector<std::size_t>{260, 60, 100}));
}

TEST(SendBatch, SendsEachHandshakeMessageByItselfWhateverIsBesideIt) {
  const Descriptor gateway = BoundForWholePackets();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  const std::vector<std::string> datagrams = {Message(1, 148), Message(1, 148), Message(4, 148),
                                              Message(1, 148), Message(2, 148), Message(4, 148)};
  EXPECT_EQ(Sizes(Packets(gateway, *client, datagrams)), std::vector<std::size_t>(6, 148));
}

TEST(SendBatch, JoinsNoMoreThanOnePacketHolds) {
  if (!KernelSegments()) GTEST_SKIP() << "this kernel has no UDP_SEGMENT (Linux 4.18)";
  const Descriptor gateway = BoundForWholePackets();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  const std::vector<std::string> datagrams(9, Message(4, 9216));
  EXPECT_EQ(Sizes(Packets(gateway, *client, datagrams)),
            (std::vector<std::size_t>{64'512, 18'432}));
}

TEST(SendBatch, JoinsNothingWhereTheKernelDoesNotTakeItApart) {
  const Descriptor gateway = BoundForWholePackets();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  const std::vector<std::string> datagrams(3, Message(4, 100));
  EXPECT_EQ(Sizes(Packets(gateway, *client, datagrams, SendBatch(false))),
            std::vector<std::size_t>(3, 100));
}

TEST(SendBatch, SendsOneByOneWhatIsRefusedAsOnePacket) {
  const Descriptor gateway = BoundForWholePackets();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  // Without checksums the kernel refuses to take packets apart (net/ipv4/udp.c).
  const int on = 1;
  ASSERT_EQ(::setsockopt(client->get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
  const std::vector<std::string> datagrams(3, Message(4, 100));
  EXPECT_EQ(Sizes(Packets(gateway, *client, datagrams, SendBatch(true))),
            std::vector<std::size_t>(3, 100));
}

TEST(SendBatch, KeepsOrderAndBoundariesOfJoinedDatagrams) {
  const Descriptor gateway = Bound();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  std::mt19937 random(4);
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < kBatch; ++i) {
    const char type = random() % 4 == 0 ? '\1' : '\4';
    messages.push_back(Message(type, 40 + 20 * (random() % 3)) + std::to_string(i));
  }
  EXPECT_EQ(Packets(gateway, *client, messages), messages);
}

TEST(ReceiveBatch, SaysWhatWasCutOff) {
  const Descriptor gateway = Bound();
  const auto client = ConnectDatagrams(PortOf(gateway), std::nullopt);
  SendBatch out;
  out.Add(Bytes("12345"));
  out.Add(Bytes("123456"));
  out.Flush(client->get());
  ReceiveBatch in(5);
  ASSERT_EQ(Receive(gateway, in), 2U);
  EXPECT_FALSE(in.truncated(0));
  EXPECT_TRUE(in.truncated(1));
}

TEST(ParseEndpoint, ReadsBothFamiliesAndRefusesTheRest) {
  EXPECT_EQ(ParseEndpoint("192.0.2.1:443")->ToString(), "192.0.2.1:443");
  EXPECT_EQ(ParseEndpoint("[2001:db8::1]:0")->ToString(), "[2001:db8::1]:0");
  for (const char* text : {"", ":1", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "[192.0.2.1]:1",
                           "::1:1", "[]:1", "[::1]", "host:1"}) {
    EXPECT_FALSE(ParseEndpoint(text)) << text;
  }
}

TEST(ToEndpoint, TakesAMappedAddressForIpv4) {
  const SocketAddress mapped = ToSocketAddress(*ParseEndpoint("[::ffff:192.0.2.1]:7"));
  EXPECT_EQ(ToEndpoint(mapped.storage)->ToString(), "192.0.2.1:7");
}

}  // namespace
}  // namespace jitwg::ws
