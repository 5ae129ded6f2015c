#include "lib/base/config_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

// Debian builds the shared library with exceptions only.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace jitwg {
namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;

Result<std::string> ReadAll(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoError("cannot open configuration file " + path, errno);
  std::string text;
  std::array<char, 16384> buffer{};
  ssize_t length = 0;
  while (text.size() <= kMaxFileSize && (length = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(length));
  }
  const int read_errno = errno;
  ::close(fd);
  if (length < 0) return ErrnoError("cannot read configuration file " + path, read_errno);
  if (text.size() > kMaxFileSize) {
    return Error{ErrorCode::kInvalidArgument,
                 "configuration file " + path + " is larger than 1 MiB; is it the right file?"};
  }
  return text;
}

// nullopt for what no option can be.
std::optional<ConfigFileItem> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return ConfigFileItem{text->get(), true};
  if (const auto* number = node.as_integer()) {
    return ConfigFileItem{std::to_string(number->get()), false};
  }
  if (const auto* flag = node.as_boolean()) {
    return ConfigFileItem{flag->get() ? "true" : "false", false};
  }
  return std::nullopt;
}

ConfigFileEntry Convert(std::string key, const toml::node& node) {
  ConfigFileEntry entry{std::move(key), node.source().begin.line, {}, false, {}};
  if (const auto* array = node.as_array()) {
    entry.is_array = true;
    for (const toml::node& element : *array) {
      auto item = ScalarText(element);
      if (!item) entry.problem = "lists hold only strings and whole numbers";
      if (item) entry.items.push_back(std::move(*item));
    }
  } else if (auto item = ScalarText(node)) {
    entry.items.push_back(std::move(*item));
  } else if (node.is_table()) {
    entry.problem = "tables are not used; write every option at the top level";
  } else {
    entry.problem = "a value is a string, a whole number, true, false or a list of them";
  }
  if (!entry.problem.empty()) entry.items.clear();
  return entry;
}

}  // namespace

Result<std::vector<ConfigFileEntry>> ParseConfigText(const std::string& text,
                                                     const std::string& name) {
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Error{ErrorCode::kInvalidArgument,
                 "configuration file " + name + " is no TOML at line " +
                     std::to_string(error.source().begin.line) + ", column " +
                     std::to_string(error.source().begin.column) + ": " +
                     std::string(error.description())};
  }
  std::vector<ConfigFileEntry> entries;
  for (auto&& [key, node] : parsed.table())
    entries.push_back(Convert(std::string(key.str()), node));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  return entries;
}

Result<std::vector<ConfigFileEntry>> ReadConfigFile(const std::string& path) {
  auto text = ReadAll(path);
  if (!text) return text.error();
  return ParseConfigText(*text, path);
}

}  // namespace jitwg
