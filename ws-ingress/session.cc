#include "ws-ingress/session.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace jitwg::ingress {
namespace {

using boost::asio::posix::stream_descriptor;

// How long a client may take to read the last words.
constexpr std::chrono::seconds kLinger(2);
// How often one connection reads before the others of its thread have their turn.
constexpr int kRounds = 4;

SteadyTime Now() { return std::chrono::steady_clock::now(); }

std::unique_ptr<ws::ByteStream> MakeStream(const std::optional<ws::TlsContext>& tls, int socket) {
  return tls ? ws::MakeTlsServerStream(*tls, socket) : ws::MakePlainStream(socket);
}

}  // namespace

Session::Session(SessionHost& host, Arrival arrival)
    : host_(host),
      peer_(arrival.peer),
      tcp_(host.io, arrival.socket.Release()),
      udp_(host.io),
      stream_(MakeStream(arrival.tls, tcp_.native_handle())),
      slot_(std::move(arrival.slot)),
      deadline_(Now() + host.settings.handshake_timeout) {
  if (!arrival.source_slot) return;
  source_slot_.emplace(std::move(*arrival.source_slot));
  source_.emplace(peer_);
}

void Session::Start() { Proceed(); }

void Session::WaitToRead() {
  if (waiting_to_read_ || over()) return;
  waiting_to_read_ = true;
  tcp_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](auto error) {
    self->waiting_to_read_ = false;
    if (!error && !self->over()) self->Proceed();
  });
}

void Session::WaitToWrite() {
  if (waiting_to_write_ || over()) return;
  waiting_to_write_ = true;
  tcp_.async_wait(stream_descriptor::wait_write, [self = shared_from_this()](auto error) {
    self->waiting_to_write_ = false;
    if (error || self->over()) return;
    // TLS may have waited for this in order to read.
    self->Flush();
    if (!self->over()) self->Proceed();
  });
}

void Session::WaitForTarget() {
  udp_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](auto error) {
    if (!error && self->stage_ == Stage::kOpen) self->ReadFromTarget();
  });
}

// Does what can be done with what the client has sent, then waits for more.
void Session::Proceed() {
  if (stage_ == Stage::kTls) DoTls();
  if (stage_ == Stage::kHead) ReadHead();
  if (stage_ == Stage::kOpen) ReadFrames();
  if (stage_ == Stage::kClosing) Discard();
  if (!over()) WaitToRead();
}

// As much as there is, up to the room: the more datagrams, the fewer system calls.
std::size_t Session::FillScratch(ws::IoState& state) {
  std::size_t filled = 0;
  state = ws::IoState::kDone;
  while (filled < host_.scratch.size()) {
    const ws::IoResult result = stream_->Read(std::span(host_.scratch).subspan(filled));
    state = result.state;
    if (state != ws::IoState::kDone) break;
    filled += result.bytes;
  }
  return filled;
}

void Session::ReadFrames() {
  for (int round = 0; round < kRounds && stage_ == Stage::kOpen; ++round) {
    ws::IoState state;
    const std::size_t filled = FillScratch(state);
    TakeFrames(std::span(host_.scratch).first(filled));
    if (stage_ == Stage::kOpen) Flush();
    if (stage_ != Stage::kOpen || state == ws::IoState::kWantRead) return;
    if (state == ws::IoState::kWantWrite) return WaitToWrite();
    if (state != ws::IoState::kDone) return Gone();
  }
  if (stage_ != Stage::kOpen) return;
  // What TLS has taken off the socket already would wake nobody.
  boost::asio::post(host_.io, [self = shared_from_this()] {
    if (!self->over()) self->Proceed();
  });
}

void Session::TakeFrames(std::span<std::uint8_t> bytes) {
  if (bytes.empty()) return;
  const ws::Fault fault = tunnel_->Receive(bytes, *this);
  FlushToTarget();
  if (tunnel_->signs_of_life() != signs_of_life_) {
    signs_of_life_ = tunnel_->signs_of_life();
    deadline_ = Now() + host_.settings.idle_timeout;
  }
  if (fault != ws::Fault::kNone) {
    host_.counters.Add(fault);
    return Close(ws::CloseCodeOf(fault));
  }
  if (source_failed_) return Close(ws::CloseCode::kInternalError);
  if (!tunnel_->peer_closed()) return;
  host_.counters.Add(Count::kClosedByPeer);
  tunnel_->AppendCloseReply(out_);
  Linger();
}

void Session::OnDatagram(std::span<const std::uint8_t> datagram) {
  if (!udp_.is_open() && !OpenTarget()) return;
  host_.counters.Add(Count::kDatagramsIn);
  host_.counters.Add(Count::kBytesIn, datagram.size());
  if (host_.to_target.full()) FlushToTarget();
  host_.to_target.Add(Lasting(datagram));
}

// The datagram where it stays until the next flush. What came in several pieces, as the first one
// of a read mostly does, lies in a buffer that is used again at once.
std::span<const std::uint8_t> Session::Lasting(std::span<const std::uint8_t> datagram) {
  const std::uint8_t* const scratch = host_.scratch.data();
  if (datagram.data() >= scratch && datagram.data() < scratch + host_.scratch.size()) {
    return datagram;
  }
  if (host_.kept.size() - host_.kept_size < datagram.size()) FlushToTarget();
  const auto copy = std::span(host_.kept).subspan(host_.kept_size, datagram.size());
  std::copy(datagram.begin(), datagram.end(), copy.begin());
  host_.kept_size += copy.size();
  return copy;
}

// Only now, so that a connection that never says anything costs no socket, and nothing can be sent
// to a client before its first datagram.
bool Session::OpenTarget() {
  if (source_failed_) return false;
  const auto& prefix = host_.settings.source_prefix;
  auto socket = ws::ConnectDatagrams(
      host_.settings.target,
      prefix ? std::optional<IpAddress>(AddressFor(*source_, *prefix)) : std::nullopt);
  if (!socket) {
    host_.counters.Add(Count::kSourceFailed);
    source_failed_ = true;
    return false;
  }
  udp_.assign(socket->Release());
  WaitForTarget();
  return true;
}

void Session::FlushToTarget() {
  if (host_.to_target.empty()) return;
  const std::size_t lost = host_.to_target.Flush(udp_.native_handle());
  host_.kept_size = 0;
  if (lost > 0) host_.counters.Add(Count::kDroppedNotSent, lost);
}

// An idle connection keeps no memory, so a busy one asks for it often: once for a batch, not once
// for each doubling.
void Session::ReserveFor(std::size_t datagrams) {
  if (!out_.empty()) return;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < datagrams; ++i) {
    bytes += host_.from_target.datagram(i).size() + ws::kMaxFrameHeader;
  }
  out_.Reserve(std::min(bytes, host_.settings.send_buffer));
}

void Session::ReadFromTarget() {
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t count = host_.from_target.Receive(udp_.native_handle());
    ReserveFor(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto datagram = host_.from_target.datagram(i);
      if (datagram.size() > ws::kMaxDatagram || host_.from_target.truncated(i)) {
        host_.counters.Add(Count::kDroppedTooBig);
      } else if (out_.size() + datagram.size() > host_.settings.send_buffer) {
        host_.counters.Add(Count::kDroppedClientSlow);
      } else if (!datagram.empty()) {
        host_.counters.Add(Count::kDatagramsOut);
        host_.counters.Add(Count::kBytesOut, datagram.size());
        tunnel_->AppendDatagram(datagram, out_);
      }
    }
    Flush();
    if (stage_ != Stage::kOpen || count < ws::kBatch) break;
  }
  if (stage_ == Stage::kOpen) WaitForTarget();
}

void Session::Flush() {
  while (!over()) {
    // A pong waits for room like everything else; only the newest is owed.
    if (stage_ == Stage::kOpen && out_.size() < host_.settings.send_buffer) {
      tunnel_->AppendPong(out_);
    }
    if (out_.empty()) break;
    const ws::IoResult result = stream_->Write(out_.pending());
    if (result.state == ws::IoState::kWantWrite) return WaitToWrite();
    if (result.state == ws::IoState::kWantRead) return;
    if (result.state != ws::IoState::kDone) return Gone();
    out_.Consume(result.bytes);
  }
  if (stage_ == Stage::kClosing && !std::exchange(writing_ended_, true)) stream_->EndWriting();
}

void Session::Discard() {
  for (;;) {
    const ws::IoResult result = stream_->Read(host_.scratch);
    if (result.state == ws::IoState::kWantRead || result.state == ws::IoState::kWantWrite) return;
    if (result.state != ws::IoState::kDone) return Finish();
  }
}

void Session::Close(ws::CloseCode code) {
  tunnel_->AppendClose(code, out_);
  Linger();
}

// The last words go out, then this side ends; the rest is the client's turn, for a moment.
void Session::Linger() {
  stage_ = Stage::kClosing;
  deadline_ = Now() + kLinger;
  boost::system::error_code ignored;
  udp_.close(ignored);
  Flush();
}

// The client went without a word.
void Session::Gone() {
  if (stage_ == Stage::kHead) host_.counters.Add(Count::kGoneBeforeUpgrade);
  if (stage_ == Stage::kOpen) host_.counters.Add(Count::kGoneWithoutClose);
  Finish();
}

void Session::Finish() {
  stage_ = Stage::kOver;
  boost::system::error_code ignored;
  udp_.close(ignored);
  stream_.reset();
  tcp_.close(ignored);
  source_slot_.reset();
  slot_.reset();
}

void Session::Sweep(SteadyTime now) {
  if (over() || now < deadline_) return;
  switch (stage_) {
    case Stage::kTls:
      host_.counters.Add(Count::kHandshakeTimeout);
      return Finish();
    case Stage::kHead:
      return Refuse(408);
    case Stage::kOpen:
      host_.counters.Add(Count::kClosedIdle);
      return Close(ws::CloseCode::kGoingAway);
    default:
      return Finish();
  }
}

void Session::Drain() {
  if (stage_ == Stage::kTls || stage_ == Stage::kHead) return Finish();
  if (stage_ != Stage::kOpen) return;
  host_.counters.Add(Count::kClosedDraining);
  Close(ws::CloseCode::kGoingAway);
}

}  // namespace jitwg::ingress
