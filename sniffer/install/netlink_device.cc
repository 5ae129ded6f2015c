// See netlink_device.h.
#include "sniffer/install/netlink_device.h"

#include <linux/netlink.h>
#include <net/if.h>

#include <cerrno>
#include <utility>

#include "sniffer/install/batch_apply.h"
#include "sniffer/install/device_error.h"
#include "sniffer/install/limits.h"
#include "sniffer/install/netlink_socket.h"
#include "sniffer/install/wg_message.h"
#include "sniffer/install/wiped_buffer.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kReceiveSize = 65536;
constexpr std::size_t kSmallRequest = 256;

// Feeds datagrams to the parser until the dump ends, or its first message when only that is wanted.
Status ReadDump(NetlinkSocket& socket, const std::string& name, bool first_only,
                DumpParser& parser) {
  WipedBuffer buffer(kReceiveSize);
  const auto deadline = std::chrono::steady_clock::now() + kDumpTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto received = socket.Receive(buffer.span(), kCallTimeout);
    if (received.errno_value != 0) return DeviceError(name, received.errno_value);
    const auto step = parser.Feed(buffer.span().first(received.size));
    if (!step && parser.errno_value() != 0) return DeviceError(name, parser.errno_value());
    if (!step) return step.error();
    if (*step == DumpParser::Step::kDone || (first_only && parser.has_device())) return {};
  }
  return DeviceError(name, ETIMEDOUT);
}

Status Query(const WgRequest& request, bool first_only, DumpParser& parser) {
  auto socket = NetlinkSocket::Open(NETLINK_GENERIC);
  if (!socket) return socket.error();
  WipedBuffer message(kSmallRequest);
  const auto length = EncodeGetDevice(request, message.span());
  if (!length) return length.error();
  const int error = socket->Send(message.span().first(*length));
  if (error != 0) return DeviceError(request.interface, error);
  return ReadDump(*socket, request.interface, first_only, parser);
}

// The message of `length` bytes in `buffer` to the kernel, and its acknowledgement.
SendOutcome Exchange(NetlinkSocket& socket, WipedBuffer& buffer, const WgRequest& request,
                     const Result<std::size_t>& length) {
  if (!length) return {length.error(), false};
  int error = socket.Send(buffer.span().first(*length));
  while (error == 0) {
    const auto received = socket.Receive(buffer.span(), kCallTimeout);
    error = received.errno_value;
    if (error != 0) break;
    const int answer = ParseAck(buffer.span().first(received.size), request.sequence);
    if (answer == 0) return {};
    // EBADMSG: a late answer to an earlier request.
    if (answer != EBADMSG) error = answer;
  }
  return {DeviceError(request.interface, error), ConcernsWholeDevice(error)};
}

SendOutcome SendChanges(NetlinkSocket& socket, WipedBuffer& buffer, const WgRequest& request,
                        std::span<const PeerChange> changes) {
  return Exchange(socket, buffer, request, EncodeSetDevice(request, changes, buffer.span()));
}

}  // namespace

struct NetlinkDevice::Line {
  explicit Line(NetlinkSocket opened) : socket(std::move(opened)) {}
  NetlinkSocket socket;
  WipedBuffer buffer{kSetMessageSize};
};

NetlinkDevice::NetlinkDevice() = default;
NetlinkDevice::~NetlinkDevice() = default;

Result<std::unique_ptr<NetlinkDevice::Line>> NetlinkDevice::TakeLine() {
  {
    const std::lock_guard lock(line_mutex_);
    if (line_ != nullptr) return std::move(line_);
  }
  auto socket = NetlinkSocket::Open(NETLINK_GENERIC);
  if (!socket) return socket.error();
  return std::make_unique<Line>(std::move(*socket));
}

void NetlinkDevice::KeepLine(std::unique_ptr<Line> line) {
  line->buffer.Wipe();
  const std::lock_guard lock(line_mutex_);
  line_ = std::move(line);
}

Result<std::uint16_t> NetlinkDevice::Family(const std::string& name) {
  if (const std::uint16_t known = family_; known != 0) return known;
  auto socket = NetlinkSocket::Open(NETLINK_GENERIC);
  if (!socket) return socket.error();
  const std::uint32_t sequence = NextSequence();
  WipedBuffer message(kSmallRequest);
  const auto length = EncodeGetFamily(sequence, message.span());
  if (!length) return length.error();
  int error = socket->Send(message.span().first(*length));
  if (error != 0) return DeviceError(name, error);
  WipedBuffer reply(kReceiveSize);
  const auto received = socket->Receive(reply.span(), kCallTimeout);
  if (received.errno_value != 0) return DeviceError(name, received.errno_value);
  auto family = ParseFamily(reply.span().first(received.size), sequence);
  if (family) family_ = *family;
  if (!family && family.error().code == ErrorCode::kNotFound) {
    // Most often it is the name that is wrong: say that first. An interface that is there is then
    // of another type.
    const Error error =
        DeviceError(name, ::if_nametoindex(name.c_str()) != 0 ? EOPNOTSUPP : ENODEV);
    return Error{error.code, error.message + " (" + family.error().message + ")"};
  }
  return family;
}

Result<DeviceInfo> NetlinkDevice::GetDevice(const std::string& name) {
  if (Status valid = CheckInterfaceName(name); !valid) return valid.error();
  const auto family = Family(name);
  if (!family) return family.error();
  const WgRequest request{*family, NextSequence(), name};
  DumpParser parser(request.sequence, /*want_peers=*/false);
  const Status status = Query(request, /*first_only=*/true, parser);
  if (parser.errno_value() == ENOENT) ForgetFamily();
  if (!status) return status.error();
  if (!parser.has_device()) return DeviceError(name, ENODEV);
  return parser.TakeDevice();
}

Result<PeerDump> NetlinkDevice::DumpPeers(const std::string& name) {
  if (Status valid = CheckInterfaceName(name); !valid) return valid.error();
  const auto family = Family(name);
  if (!family) return family.error();
  const WgRequest request{*family, NextSequence(), name};
  DumpParser parser(request.sequence);
  const Status status = Query(request, /*first_only=*/false, parser);
  if (parser.errno_value() == ENOENT) ForgetFamily();
  if (!status) return status.error();
  return parser.TakeDump();
}

Result<std::vector<Status>> NetlinkDevice::Apply(const DeviceTarget& target,
                                                 std::span<const PeerChange> changes) {
  if (Status valid = CheckInterfaceName(target.name); !valid) return valid.error();
  const auto family = Family(target.name);
  if (!family) return family.error();
  auto line = TakeLine();
  if (!line) return line.error();
  bool sound = true;
  auto results = ApplyInBatches(
      changes, {FittingChanges, [&](std::span<const PeerChange> batch) {
                  auto outcome = SendChanges(
                      (*line)->socket, (*line)->buffer,
                      WgRequest{*family, NextSequence(), target.name, target.ifindex}, batch);
                  sound = sound && outcome.status;
                  return outcome;
                }});
  // After an error an answer may still be on its way.
  if (sound) KeepLine(std::move(*line));
  // Also what a family id of an unloaded module gives.
  if (!results && results.error().code == ErrorCode::kNotFound) {
    ForgetFamily();
    if (target.ifindex != 0) return DeviceGoneError(target.name);
  }
  return results;
}

Status NetlinkDevice::Configure(const std::string& name, const DeviceSettings& settings) {
  if (Status valid = CheckInterfaceName(name); !valid) return valid;
  const auto family = Family(name);
  if (!family) return family.error();
  auto line = TakeLine();
  if (!line) return line.error();
  WipedBuffer& buffer = (*line)->buffer;
  const WgRequest request{*family, NextSequence(), name};
  const SendOutcome outcome = Exchange((*line)->socket, buffer, request,
                                       EncodeConfigureDevice(request, settings, buffer.span()));
  if (outcome.status) KeepLine(std::move(*line));
  return outcome.status;
}

}  // namespace jitwg::sniffer
