#include "ctl/live_table.h"

#include <algorithm>
#include <array>

#include "ctl/format.h"
#include "ctl/progress.h"

namespace jitwg::ctl {
namespace {

// More than any terminal shows.
constexpr std::size_t kKeptLines = 512;
// Title, counts, a blank line, the columns' names.
constexpr std::size_t kHeadLines = 4;
constexpr std::array<const char*, 6> kColumns = {"time", "what", "verdict", "peer", "from", "took"};

std::string TextOf(const Json& message, const char* name) {
  const auto found = message.find(name);
  return found != message.end() && found->is_string() ? Clean(found->get<std::string>()) : "";
}

// "17:04:05.123456Z" of an RFC 3339 time, the day left out.
std::string TimeOfDay(const std::string& time) {
  const std::size_t separator = time.find('T');
  return separator == std::string::npos ? time : time.substr(separator + 1, 12);
}

// The name, or as much of the key as tells two apart.
std::string PeerOf(const Json& message) {
  std::string name = TextOf(message, "peer_name");
  const std::string key = TextOf(message, "public_key").substr(0, 12);
  if (name.empty()) return key.empty() ? "" : key + "...";
  return name;
}

std::string Took(const Json& message) {
  const auto number = [&](const char* name) {
    const auto found = message.find(name);
    return found != message.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  const std::uint64_t microseconds = number("lookup_microseconds") + number("install_microseconds");
  if (microseconds == 0) return "";
  return std::to_string(microseconds / 1000) + "." + std::to_string(microseconds / 100 % 10) +
         " ms";
}

// At most `columns` characters, UTF-8 counted by its first bytes; blanks up to `width`.
std::string Fit(const std::string& text, std::size_t columns, std::size_t width) {
  std::string fitted;
  std::size_t count = 0;
  for (const char byte : text) {
    const bool begins = (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    if (begins && count == columns) break;
    count += begins ? 1 : 0;
    fitted += byte;
  }
  if (count < width) fitted.append(width - count, ' ');
  return fitted;
}

std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

void LiveTable::Keep(Line line) {
  lines_.push_front(std::move(line));
  if (lines_.size() > kKeptLines) lines_.pop_back();
}

void LiveTable::Add(const Json& message) {
  const std::string type = TextOf(message, "type");
  const std::string peer = PeerOf(message);
  if (type == "decision") {
    const std::string verdict = TextOf(message, "verdict");
    ++counts_[verdict];
    const bool in = verdict == "installed" || verdict == "updated";
    const std::string source = TextOf(message, "source");
    Keep({{TimeOfDay(TextOf(message, "decided_at")), type, verdict, peer,
           source.empty() ? "outbound" : source, Took(message)},
          in ? Tone::kGood : (verdict == "already_installed" ? Tone::kPlain : Tone::kBad)});
  } else if (type == "eviction") {
    const std::string reason = TextOf(message, "reason");
    ++counts_["evicted"];
    Keep({{TimeOfDay(TextOf(message, "evicted_at")), type, reason, peer, "", ""}, Tone::kGone});
  } else {
    ++counts_[type];
    const bool demand = type == "demand";
    Keep({{TimeOfDay(TextOf(message, demand ? "asked_at" : "captured_at")), type, "", peer,
           TextOf(message, demand ? "destination" : "source"), ""},
          Tone::kPlain});
  }
}

std::string LiveTable::Counts() const {
  std::string text;
  for (const auto& [name, count] : counts_) {
    text += (text.empty() ? "" : "   ") + name + " " + Grouped(count);
  }
  if (lost_ > 0) text += "   lost " + Grouped(lost_);
  return text.empty() ? "nothing yet" : text;
}

std::string LiveTable::Painted(const std::string& text, Tone tone) const {
  if (!colour_ || tone == Tone::kPlain) return text;
  const char* code = tone == Tone::kGood ? "32" : (tone == Tone::kBad ? "31" : "33");
  return "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

std::string LiveTable::Frame(std::size_t rows, std::size_t columns,
                             std::chrono::seconds watched) const {
  const std::size_t shown =
      std::min(lines_.size(), rows > kHeadLines + 1 ? rows - kHeadLines - 1 : 0);
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < kColumns.size(); ++column) {
    std::size_t width = std::string(kColumns[column]).size();
    for (std::size_t index = 0; index < shown; ++index) {
      width = std::max(width, Width(lines_[index].cells[column]));
    }
    widths.push_back(width);
  }
  std::string heading;
  for (std::size_t column = 0; column < kColumns.size(); ++column) {
    heading += Fit(kColumns[column], widths[column], widths[column]) + "  ";
  }
  constexpr const char* kEndOfLine = "\x1b[K\n";
  std::string frame = "\x1b[H";
  frame += Fit(what_ + ", for " + FormatAge(watched) + "; Ctrl-C ends it", columns, 0) + kEndOfLine;
  frame += Fit(Counts(), columns, 0) + kEndOfLine + kEndOfLine;
  frame += Fit(heading, columns, 0) + kEndOfLine;
  for (std::size_t index = 0; index < shown; ++index) {
    std::string line;
    for (std::size_t column = 0; column < kColumns.size(); ++column) {
      line += Fit(lines_[index].cells[column], widths[column], widths[column]) + "  ";
    }
    frame += Painted(Fit(line, columns, 0), lines_[index].tone) + kEndOfLine;
  }
  return frame + "\x1b[J";
}

}  // namespace jitwg::ctl
