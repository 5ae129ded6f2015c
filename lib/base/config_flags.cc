#include "lib/base/config_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace jitwg {
namespace {

constexpr std::size_t kHelpColumn = 34;
constexpr std::size_t kHelpWidth = 64;

std::string Wrapped(const std::string& text) {
  std::string wrapped;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column != 0) wrapped += column + 1 + length > kHelpWidth ? '\n' : ' ';
    column = column != 0 && column + 1 + length <= kHelpWidth ? column + 1 + length : length;
    wrapped.append(text, begin, length);
    begin = end + 1;
  }
  return wrapped;
}

// Every option takes at most one value each time it is given, so that a missing one is seen here
// and not thrown.
CLI::Option* Declare(CLI::App& app, const FlagSpec& spec) {
  const std::string name = spec.name == "help" ? "-h,--help" : "--" + spec.name;
  if (spec.is_switch) return app.add_flag(name)->take_all();
  return app.add_option(name)->expected(0, 1)->take_all()->allow_extra_args(false);
}

// A word behind an unknown option is most likely its value, and no fault of its own.
void SortRemaining(const std::vector<std::string>& remaining, FlagValues& sorted) {
  bool only_words = false;
  bool after_unknown = false;
  for (const std::string& text : remaining) {
    if (text == "--" && !only_words) {
      only_words = true;
      after_unknown = false;
    } else if (!only_words && text.size() > 1 && text.front() == '-') {
      sorted.unknown.push_back(text);
      after_unknown = text.find('=') == std::string::npos;
    } else {
      if (!after_unknown) sorted.words.push_back(text);
      after_unknown = false;
    }
  }
}

}  // namespace

FlagValues SplitFlags(const std::vector<std::string>& arguments,
                      const std::vector<FlagSpec>& specs) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::pair<std::string, CLI::Option*>> options;
  for (const FlagSpec& spec : specs) options.emplace_back(spec.name, Declare(app, spec));
  FlagValues sorted;
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Error& error) {
    sorted.unknown.emplace_back(error.what());
  }
  for (const auto& [name, option] : options) {
    if (option->count() > 0) sorted.values[name] = option->results();
  }
  SortRemaining(app.remaining(), sorted);
  return sorted;
}

std::string LayOutHelp(const std::string& program, const std::string& summary,
                       const std::vector<FlagSpec>& specs, const std::string& footer) {
  CLI::App app(summary);
  app.set_help_flag();
  app.get_formatter()->column_width(kHelpColumn);
  for (const FlagSpec& spec : specs) {
    CLI::Option* option =
        spec.positional ? app.add_option(spec.name)->required() : Declare(app, spec);
    option->option_text(spec.shown.empty() ? " " : spec.shown);
    option->description(Wrapped(spec.help));
    option->group(spec.group);
  }
  app.footer(footer);
  return CLI::detail::find_and_replace(
      CLI::detail::find_and_replace(app.help(program), "\n\n\n", "\n\n"), program + "  [",
      program + " [");
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> items;
  for (;;) {
    const auto comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace jitwg
