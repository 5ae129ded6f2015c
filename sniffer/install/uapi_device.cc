// See uapi_device.h.
#include "sniffer/install/uapi_device.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "sniffer/install/batch_apply.h"
#include "sniffer/install/device_error.h"
#include "sniffer/install/limits.h"
#include "sniffer/install/uapi_message.h"
#include "sniffer/install/uapi_socket.h"
#include "sniffer/install/wiped_buffer.h"

namespace jitwg::sniffer {
namespace {

constexpr std::size_t kChunk = 65536;
constexpr std::size_t kMaxAnswer = 256;

// What a failure at the socket says about the interface.
int DeviceErrno(const std::string& name, int socket_errno) {
  switch (socket_errno) {
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR:
    case ENAMETOOLONG:
      return ::if_nametoindex(name.c_str()) == 0 ? ENODEV : EOPNOTSUPP;
    default:
      return socket_errno;
  }
}

Error SocketError(const std::string& name, const std::string& path, int socket_errno) {
  const int error = DeviceErrno(name, socket_errno);
  if (error == EOPNOTSUPP) {
    return {ErrorCode::kInvalidArgument,
            "interface '" + name + "' is no userspace WireGuard: nobody listens at " + path};
  }
  if (error == EACCES) {
    return {ErrorCode::kPermissionDenied, "not allowed to open " + path + ": run as its owner"};
  }
  return DeviceError(name, error);
}

Result<UapiSocket> Connect(const std::string& directory, const std::string& name) {
  if (const Status valid = CheckInterfaceName(name); !valid) return valid.error();
  const std::string path = directory + "/" + name + ".sock";
  UapiSocket socket;
  const int error = UapiSocket::Connect(path, socket);
  if (error != 0) return SocketError(name, path, error);
  return socket;
}

Status ReadAnswer(UapiSocket& socket, const std::string& name, UapiParser& parser) {
  WipedBuffer buffer(kChunk);
  const auto deadline = std::chrono::steady_clock::now() + kDumpTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto received = socket.Receive(buffer.span(), kCallTimeout);
    if (received.errno_value != 0) return DeviceError(name, received.errno_value);
    if (received.size == 0) {
      return Error{ErrorCode::kUnavailable,
                   "the userspace WireGuard of '" + name + "' hung up: is it still running?"};
    }
    const auto done = parser.Feed({reinterpret_cast<const char*>(buffer.data()), received.size});
    if (!done) return done.error();
    if (*done && parser.errno_value() != 0) return DeviceError(name, parser.errno_value());
    if (*done) return {};
  }
  return DeviceError(name, ETIMEDOUT);
}

Status Query(const std::string& directory, const std::string& name, UapiParser& parser) {
  auto socket = Connect(directory, name);
  if (!socket) return socket.error();
  const int error = socket->Send(kUapiGet, kCallTimeout);
  if (error != 0) return DeviceError(name, error);
  return ReadAnswer(*socket, name, parser);
}

// The errno in the answer to a transaction, or why there was none.
int ReadSetAnswer(UapiSocket& socket) {
  std::string answer;
  WipedBuffer buffer(kMaxAnswer);
  const auto deadline = std::chrono::steady_clock::now() + kDumpTimeout;
  while (answer.find('\n') == std::string::npos && answer.size() < kMaxAnswer) {
    if (std::chrono::steady_clock::now() > deadline) return ETIMEDOUT;
    const auto received = socket.Receive(buffer.span(), kCallTimeout);
    if (received.errno_value != 0) return received.errno_value;
    // Hung up before it answered: whether it was done is not known.
    if (received.size == 0) return ETIMEDOUT;
    answer.append(reinterpret_cast<const char*>(buffer.data()), received.size);
  }
  return ParseSetAnswer(answer).value_or(EBADMSG);
}

// One transaction. It has a connection of its own: after an error some implementations close.
SendOutcome SendText(const std::string& directory, const std::string& name, SecretText& text) {
  auto socket = Connect(directory, name);
  if (!socket) return {socket.error(), true};
  int error = socket->Send(text.view(), kCallTimeout);
  if (error == 0) error = ReadSetAnswer(*socket);
  if (error == 0) return {};
  return {DeviceError(name, error), ConcernsWholeDevice(error)};
}

SendOutcome SendChanges(const std::string& directory, const std::string& name,
                        std::span<const PeerChange> changes) {
  SecretText text(SetCapacity(changes));
  if (const Status formatted = FormatSet(changes, text); !formatted) return {formatted, false};
  return SendText(directory, name, text);
}

}  // namespace

Result<DeviceInfo> UapiDevice::GetDevice(const std::string& name) {
  UapiParser parser(/*want_peers=*/false);
  if (const Status read = Query(directory_, name, parser); !read) return read.error();
  DeviceInfo info = parser.TakeDevice();
  info.name = name;
  info.ifindex = ::if_nametoindex(name.c_str());
  if (info.ifindex == 0) return DeviceError(name, ENODEV);
  return info;
}

Result<PeerDump> UapiDevice::DumpPeers(const std::string& name) {
  UapiParser parser;
  if (const Status read = Query(directory_, name, parser); !read) return read.error();
  return parser.TakeDump();
}

Result<std::vector<Status>> UapiDevice::Apply(const DeviceTarget& target,
                                              std::span<const PeerChange> changes) {
  // Also tells a missing interface when there is nothing to do.
  if (auto socket = Connect(directory_, target.name); !socket) return socket.error();
  // The protocol knows no index: an interface made anew between here and the message takes it.
  if (target.ifindex != 0 && ::if_nametoindex(target.name.c_str()) != target.ifindex) {
    return DeviceGoneError(target.name);
  }
  return ApplyInBatches(changes, {[](std::span<const PeerChange> rest) { return rest.size(); },
                                  [&](std::span<const PeerChange> batch) {
                                    return SendChanges(directory_, target.name, batch);
                                  }});
}

Status UapiDevice::Configure(const std::string& name, const DeviceSettings& settings) {
  SecretText text(kConfigureCapacity);
  if (Status formatted = FormatConfigure(settings, text); !formatted) return formatted;
  return SendText(directory_, name, text).status;
}

bool UapiDevice::IsAlive(const std::string& name) const {
  return Connect(directory_, name).has_value();
}

}  // namespace jitwg::sniffer
