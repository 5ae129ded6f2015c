// The first half of a session: TLS and the upgrade.
#include <chrono>
#include <utility>

#include "lib/ws/handshake.h"
#include "ws-ingress/session.h"

namespace jitwg::ingress {

void Session::DoTls() {
  const ws::IoResult result = stream_->Handshake();
  if (result.state == ws::IoState::kDone) {
    stage_ = Stage::kHead;
  } else if (result.state == ws::IoState::kWantWrite) {
    WaitToWrite();
  } else if (result.state != ws::IoState::kWantRead) {
    host_.counters.Add(Count::kTlsFailed);
    Finish();
  }
}

void Session::ReadHead() {
  while (stage_ == Stage::kHead) {
    // Whatever is behind the head belongs to the frames: at most one read of it.
    const std::size_t room = host_.settings.max_header - head_.size();
    const ws::IoResult result = stream_->Read(std::span(host_.scratch).first(room));
    if (result.state == ws::IoState::kWantWrite) WaitToWrite();
    if (result.state == ws::IoState::kWantRead || result.state == ws::IoState::kWantWrite) return;
    if (result.state != ws::IoState::kDone) return Gone();
    const std::size_t looked_at = head_.size() < 3 ? 0 : head_.size() - 3;
    head_.append(reinterpret_cast<const char*>(host_.scratch.data()), result.bytes);
    const auto end = ws::FindHeadEnd(std::string_view(head_).substr(looked_at));
    if (end) return JudgeHead(looked_at + *end);
    if (head_.size() == host_.settings.max_header) Refuse(431);
  }
}

void Session::JudgeHead(std::size_t head_size) {
  const auto head = ws::ParseHead(std::string_view(head_).substr(0, head_size));
  if (!head) return Refuse(400);
  const ws::UpgradeAnswer answer = ws::AnswerUpgrade(*head, host_.settings.path);
  if (answer.status != 101) return Refuse(answer.status);
  if (!TakeSource(*head)) return;
  const bool records = answer.variant == ws::Variant::kRecords;
  host_.counters.Add(records ? Count::kUpgradedRecords : Count::kUpgradedDatagrams);
  tunnel_.emplace(ws::Role::kServer, answer.variant);
  stage_ = Stage::kOpen;
  deadline_ = std::chrono::steady_clock::now() + host_.settings.idle_timeout;
  out_.Append(std::span(reinterpret_cast<const std::uint8_t*>(answer.response.data()),
                        answer.response.size()));
  std::string early = std::exchange(head_, {}).substr(head_size);
  TakeFrames(std::span(reinterpret_cast<std::uint8_t*>(early.data()), early.size()));
  Flush();
}

// Who calls, when a proxy is in between. False: refused.
bool Session::TakeSource(const ws::HttpHead& head) {
  if (source_) return true;
  const auto client =
      ForwardedClient(head.Joined("X-Forwarded-For"), host_.settings.trusted_proxies);
  if (!client) {
    Refuse(400);
    return false;
  }
  source_.emplace(*client);
  if (auto slot = host_.limits.TakeFrom(*source_)) {
    source_slot_.emplace(std::move(*slot));
    return true;
  }
  host_.counters.Add(Count::kRefusedSourceLimit);
  Refuse(503);
  return false;
}

void Session::Refuse(int status) {
  host_.counters.Add(status == 408 ? Count::kHandshakeTimeout : Count::kHttpRefused);
  const std::string response = ws::RefusalResponse(status);
  out_.Append(std::span(reinterpret_cast<const std::uint8_t*>(response.data()), response.size()));
  Linger();
}

}  // namespace jitwg::ingress
