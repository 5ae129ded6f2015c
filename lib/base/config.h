// Configuration by flags, environment and a TOML file, the same names in all three:
// --evict-interval 10s, JITWG_EVICT_INTERVAL=10s, evict-interval = "10s". A flag beats the
// environment, that beats the file, that beats the default; a list is taken whole from the first of
// them that has it. Every fault is collected, none ends the parse.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lib/base/config_values.h"
#include "lib/base/result.h"

namespace jitwg {

// One option, as ConfigParser::Add returns it. The setters return the option again.
class ConfigOption {
 public:
  // Must be given somewhere, and not be empty.
  ConfigOption& Required();
  // Only these texts.
  ConfigOption& OneOf(std::vector<std::string> choices);
  // Only numbers, or durations, within [min, max].
  ConfigOption& Range(std::int64_t min, std::int64_t max);
  ConfigOption& Range(std::chrono::milliseconds min, std::chrono::milliseconds max);
  // Asked about each text, before it is stored; may be called more than once.
  ConfigOption& Check(std::function<Status(const std::string&)> check);
  // What the help calls the value, e.g. "SECONDS".
  ConfigOption& ValueName(std::string name);
  // Which heading of the help it stands under.
  ConfigOption& Group(std::string group);
  // Not read from environment and file.
  ConfigOption& FlagOnly();

 private:
  friend class ConfigParser;
  struct Value {
    std::string text;
    bool quoted = true;  // false: a bare number or boolean in the file
  };
  enum class Kind : std::uint8_t { kSwitch, kText, kNumber, kDuration, kFileMode };

  std::string Environment() const;
  // "--name", or "NAME" of a positional.
  std::string ShownName() const;
  Status Take(const Value& value) const;

  std::string name_;
  std::string help_;
  std::string value_name_;
  std::string default_;
  std::string group_ = "Options";
  Kind kind_ = Kind::kText;
  bool required_ = false;
  bool repeatable_ = false;
  bool positional_ = false;
  bool flag_only_ = false;
  std::optional<std::pair<std::int64_t, std::int64_t>> range_;
  std::vector<std::string> choices_;
  std::vector<std::function<Status(const std::string&)>> checks_;
  std::function<void()> reset_;                      // empties a list before its first value
  std::function<Status(const std::string&)> store_;  // parses and stores one text
  std::string source_;                               // where the value came from; empty: default
};

// Looks up one environment variable; nullopt or empty: not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> ProcessEnvironment(const std::string& name);

// Usage, in main():
//   ConfigParser parser("jitwg-provisioner", "Decides who may connect.");
//   parser.Add("evict-interval", &options.evict_interval, "how often to look for stale peers");
//   parser.Parse(argc, argv);
//   if (options.idle < options.evict_interval) parser.AddFault("evict-interval", "is longer than
//   ..."); if (const auto exit_code = parser.Finish(std::cout, std::cerr)) return *exit_code;
// The variables keep their values as defaults (shown by --help) and must outlive the parser.
// --help, --version,
// --config FILE and --check-config are always there. Commas separate the items of a list:
// --interface wg0,wg1 and
// --interface wg0 --interface wg1 are the same. Names are lower-case words joined by '-'. Not
// thread-safe.
class ConfigParser {
 public:
  enum class File : std::uint8_t { kRead, kShared, kNone };

  // `program` is what --help and messages call it. File::kShared: the file belongs to another
  // program as well, so a key that is none here is passed over, unless it looks like one mistyped.
  // File::kNone leaves out --config and --check-config.
  ConfigParser(std::string program, std::string summary, File file = File::kRead);
  ~ConfigParser();
  ConfigParser(const ConfigParser&) = delete;
  ConfigParser& operator=(const ConfigParser&) = delete;

  ConfigOption& Add(const std::string& name, bool* value, const std::string& help);
  ConfigOption& Add(const std::string& name, std::string* value, const std::string& help);
  ConfigOption& Add(const std::string& name, std::vector<std::string>* value,
                    const std::string& help);
  ConfigOption& Add(const std::string& name, std::chrono::milliseconds* value,
                    const std::string& help);
  ConfigOption& Add(const std::string& name, FileMode* value, const std::string& help);
  // Whole numbers of any size; the type's own limits are the range unless Range() narrows it.
  template <std::integral T>
  ConfigOption& Add(const std::string& name, T* value, const std::string& help) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<T>::max()) >
                                  static_cast<std::uint64_t>(kMost)
                              ? kMost
                              : static_cast<std::int64_t>(std::numeric_limits<T>::max());
    return AddNumber(name, std::to_string(*value), help,
                     static_cast<std::int64_t>(std::numeric_limits<T>::min()), kMax,
                     [value](std::int64_t number) { *value = static_cast<T>(number); });
  }

  // A value with a parser of its own; `value` keeps what was in it when the text cannot be parsed.
  template <class T>
  ConfigOption& AddParsed(const std::string& name, T* value, Result<T> (*parse)(std::string_view),
                          const std::string& help) {
    return AddStored(
        name, help, false, [] {},
        Storer<T>(parse, [value](T parsed) { *value = std::move(parsed); }));
  }
  template <class T>
  ConfigOption& AddParsed(const std::string& name, std::optional<T>* value,
                          Result<T> (*parse)(std::string_view), const std::string& help) {
    return AddStored(
        name, help, false, [] {},
        Storer<T>(parse, [value](T parsed) { *value = std::move(parsed); }));
  }
  template <class T>
  ConfigOption& AddParsed(const std::string& name, std::vector<T>* value,
                          Result<T> (*parse)(std::string_view), const std::string& help) {
    return AddStored(
        name, help, true, [value] { value->clear(); },
        Storer<T>(parse, [value](T parsed) { value->push_back(std::move(parsed)); }));
  }

  // An argument without a name, e.g. a command's FILE; taken in the order they were added.
  ConfigOption& AddPositional(const std::string& name, std::string* value, const std::string& help);

  // Keys of the file that another program reads: passed over. Before Parse.
  void PassOver(std::vector<std::string> keys);

  // Stands at the end of the help: what a user would type.
  void Examples(std::string text);

  // Fills the variables, never fails: faults are kept for Finish. argv[0] is skipped. Call it once.
  void Parse(int argc, const char* const* argv,
             const Environment& environment = ProcessEnvironment);
  void Parse(const std::vector<std::string>& arguments,
             const Environment& environment = ProcessEnvironment);

  // For the program's own cross-checks: `message` says what is wrong with the option and how to
  // mend it; where its value came from is added.
  void AddFault(const std::string& option, const std::string& message);
  // So far, one line each.
  const std::vector<std::string>& faults() const;
  // The option was given by flag, environment or file.
  bool IsSet(const std::string& option) const;
  bool HasFault(const std::string& option) const;
  // --help or --version was asked for: nothing else was read, and the program will not run.
  bool Ends() const;
  // The help text, as --help prints it.
  std::string Help() const;

  // Answers --help and --version (on `out`), reports all faults (on `err`, exit code 2), answers
  // --check-config with "configuration is valid". The code to exit with, or nullopt: run.
  std::optional<int> Finish(std::ostream& out, std::ostream& err);

 private:
  struct Impl;

  template <class T>
  static std::function<Status(const std::string&)> Storer(Result<T> (*parse)(std::string_view),
                                                          std::function<void(T)> store) {
    return [parse, store = std::move(store)](const std::string& text) -> Status {
      Result<T> parsed = parse(text);
      if (!parsed) return parsed.error();
      store(std::move(*parsed));
      return {};
    };
  }
  ConfigOption& AddOption(const std::string& name, const std::string& help,
                          ConfigOption::Kind kind);
  ConfigOption& AddNumber(const std::string& name, std::string shown, const std::string& help,
                          std::int64_t min, std::int64_t max,
                          std::function<void(std::int64_t)> store);
  ConfigOption& AddStored(const std::string& name, const std::string& help, bool repeatable,
                          std::function<void()> reset,
                          std::function<Status(const std::string&)> store);
  ConfigOption* Find(const std::string& name) const;
  void Assign(ConfigOption& option, const std::vector<ConfigOption::Value>& values,
              std::string source);
  void ReadFlags(const std::vector<std::string>& arguments);
  void ReadEnvironment(const Environment& environment);
  void ReadFile();
  bool IsForOthers(const std::string& key) const;
  void NameUnknown(const std::string& argument);
  void NameMissing();
  std::string Footer() const;
  std::string Suggestion(const std::string& name, const std::string& dashes) const;

  std::unique_ptr<Impl> impl_;
};

}  // namespace jitwg
