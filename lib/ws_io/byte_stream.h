// A connected TCP socket, with or without TLS, that never blocks: each call says how far it came
// and what to wait for. Reads into the caller's buffer, so that an idle connection keeps none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lib/ws_io/tls_context.h"

namespace jitwg::ws {

enum class IoState : std::uint8_t {
  kDone,
  kWantRead,   // nothing more until the socket can be read
  kWantWrite,  // nothing more until it can be written
  kClosed,     // the other end has ended its side
  kFailed,     // reset, or the TLS is broken
};

struct IoResult {
  IoState state = IoState::kDone;
  std::size_t bytes = 0;
};

// One thread. The descriptor stays its owner's, is non-blocking, and outlives the stream.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // To be called until it is kDone; kDone at once without TLS.
  virtual IoResult Handshake() = 0;
  // kDone with at least one byte. Only after kWantRead does the socket tell of more: what TLS has
  // taken off it already wakes nobody.
  virtual IoResult Read(std::span<std::uint8_t> into) = 0;
  // kDone with at least one byte; `from` is not empty. After kWantWrite or kWantRead the next call
  // must begin with the same bytes.
  virtual IoResult Write(std::span<const std::uint8_t> from) = 0;
  // Ends this side, as well as it goes without waiting.
  virtual void EndWriting() = 0;
  // Why it is kFailed, for a person.
  virtual std::string Problem() const = 0;
};

std::unique_ptr<ByteStream> MakePlainStream(int descriptor);

// The server's side. The context is kept as long as the stream lives.
std::unique_ptr<ByteStream> MakeTlsServerStream(const TlsContext& context, int descriptor);

// The client's side: the server's certificate must be good for `host`, a name or an address.
std::unique_ptr<ByteStream> MakeTlsClientStream(const TlsContext& context, int descriptor,
                                                const std::string& host);

}  // namespace jitwg::ws
