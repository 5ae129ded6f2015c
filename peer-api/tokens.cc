#include "peer-api/tokens.h"

#include <fcntl.h>
#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "lib/base/key.h"

namespace jitwg::api {
namespace {

constexpr std::size_t kMaxFile = 8 << 20;
constexpr std::string_view kBlanks = " \t\r";

std::array<std::uint8_t, 32> HashOf(std::string_view token) {
  std::array<std::uint8_t, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size(), nullptr, 0);
  return hash;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// RFC 6750's alphabet, generously.
bool IsTokenText(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<std::string> ReadAll(int fd, const std::string& path) {
  std::string text(kMaxFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError("cannot read token file " + path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxFile) {
    WipeString(text);
    return Error{ErrorCode::kInvalidArgument, "token file " + path + " has more than 8 MiB"};
  }
  text.resize(size);
  return text;
}

Status CheckMode(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return ErrnoError("cannot stat token file " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidArgument, "token file " + path + " is no regular file"};
  }
  if ((status.st_mode & 0077) != 0) {
    return Error{ErrorCode::kPermissionDenied,
                 "token file " + path + " is open to others: chmod 600 " + path};
  }
  return {};
}

}  // namespace

Status Tokens::Add(std::string_view line, std::size_t number) {
  const std::string where = "line " + std::to_string(number);
  const auto blank = line.find_first_of(kBlanks);
  const std::string_view role = line.substr(0, blank);
  const std::string_view token = blank == std::string_view::npos ? "" : Trim(line.substr(blank));
  if (role != "admin" && role != "gateway") {
    return Error{ErrorCode::kInvalidArgument, where + ": write 'admin TOKEN' or 'gateway TOKEN'"};
  }
  if (token.size() < kMinTokenLength || token.size() > kMaxTokenLength || !IsTokenText(token)) {
    return Error{ErrorCode::kInvalidArgument,
                 where + ": a token is 16 to 512 visible ASCII characters without blanks"};
  }
  if (entries_.size() == kMaxTokens) {
    return Error{ErrorCode::kInvalidArgument, where + ": more than 10000 tokens"};
  }
  const Hash hash = HashOf(token);
  for (const Entry& entry : entries_) {
    if (entry.hash == hash) {
      return Error{ErrorCode::kInvalidArgument, where + ": this token is there already"};
    }
  }
  entries_.push_back({role == "admin" ? Role::kAdmin : Role::kGateway, hash});
  return {};
}

Result<Tokens> Tokens::Parse(std::string_view text) {
  Tokens tokens;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (auto added = tokens.Add(line, number); !added) return added.error();
  }
  if (tokens.entries_.empty()) {
    return Error{ErrorCode::kFailedPrecondition, "has no token; write a line 'admin TOKEN'"};
  }
  return tokens;
}

Result<Tokens> Tokens::Load(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoError("cannot open token file " + path, errno);
  auto checked = CheckMode(fd, path);
  Result<std::string> text = checked ? ReadAll(fd, path) : Result<std::string>(checked.error());
  ::close(fd);
  if (!text) return text.error();
  auto tokens = Parse(*text);
  WipeString(*text);
  if (!tokens) {
    return Error{tokens.error().code, "token file " + path + ": " + tokens.error().message};
  }
  return tokens;
}

std::optional<Tokens::Caller> Tokens::Find(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer =
      authorization.size() > kScheme.size() &&
      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char want, char got) {
        return want == (got >= 'A' && got <= 'Z' ? got - 'A' + 'a' : got);
      });
  if (!bearer) return std::nullopt;
  const Hash hash = HashOf(Trim(authorization.substr(kScheme.size())));
  std::optional<Caller> caller;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool same = sodium_memcmp(entries_[i].hash.data(), hash.data(), hash.size()) == 0;
    if (same) caller = Caller{entries_[i].role, i};
  }
  return caller;
}

}  // namespace jitwg::api
