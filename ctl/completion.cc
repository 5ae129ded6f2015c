#include "ctl/completion.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <sstream>

#include "ctl/cli.h"

namespace jitwg::ctl {
namespace {

constexpr std::string_view kBash =
    R"(# jitwgctl completion bash >/usr/share/bash-completion/completions/jitwgctl
_jitwgctl() {
  local IFS=$'\n'
  # shellcheck disable=SC2207  # one candidate a line, none with blanks
  COMPREPLY=($(jitwgctl completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _jitwgctl jitwgctl
)";
constexpr std::string_view kZsh = R"(#compdef jitwgctl
# jitwgctl completion zsh >/usr/share/zsh/vendor-completions/_jitwgctl
local -a offered
offered=("${(@f)$(jitwgctl completion words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
if [[ -n "$offered" ]]; then compadd -a offered; else _files; fi
)";
constexpr std::string_view kFish =
    R"(# jitwgctl completion fish >/usr/share/fish/vendor_completions.d/jitwgctl.fish
complete -c jitwgctl -a '(jitwgctl completion words (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
)";

constexpr std::string_view kHelp =
    "Completion for shells.\n"
    "Usage: jitwgctl completion bash|zsh|fish\n\n"
    "Examples:\n"
    "  source <(jitwgctl completion bash)                  in this shell\n"
    "  jitwgctl completion bash >/usr/share/bash-completion/completions/jitwgctl\n"
    "  jitwgctl completion zsh >/usr/share/zsh/vendor-completions/_jitwgctl\n"
    "  jitwgctl completion fish >/usr/share/fish/vendor_completions.d/jitwgctl.fish\n";

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// The options in a help text, and whether a value follows each: "  --name TEXT   ..." or "
// -h,--help   ...".
struct Option {
  std::string name;
  bool has_value = false;
};
std::vector<Option> OptionsOf(const std::string& help) {
  std::vector<Option> options;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find("--");
    const bool option = start == 2 || StartsWith(line, "  -h,--");
    if (!option || line.substr(0, 2) != "  ") continue;
    const std::size_t end = std::min(line.find(' ', start), line.size());
    // Two blanks stand between the option and what it does.
    options.push_back(
        {line.substr(start, end - start), end + 1 < line.size() && line[end + 1] != ' '});
  }
  return options;
}

bool WantsValue(const std::vector<Option>& options, const std::string& word) {
  return std::any_of(options.begin(), options.end(),
                     [&](const Option& one) { return one.has_value && one.name == word; });
}

// The words of a line that are no option and no option's value, all but the last one.
Arguments PlainWords(const Arguments& words, const std::vector<Option>& options) {
  Arguments plain;
  for (std::size_t index = 0; index + 1 < words.size(); ++index) {
    if (WantsValue(options, words[index])) {
      ++index;
    } else if (!words[index].empty() && words[index].front() != '-') {
      plain.push_back(words[index]);
    }
  }
  return plain;
}

// The command that the plain words name, and how many words that takes; empty: none yet.
std::string CommandIn(const Arguments& plain, const std::vector<std::string>& commands) {
  for (std::size_t count = std::min<std::size_t>(plain.size(), 2); count > 0; --count) {
    std::string name = count == 2 ? plain[0] + " " + plain[1] : plain[0];
    if (std::find(commands.begin(), commands.end(), name) != commands.end()) return name;
  }
  return "";
}

// What may follow the words of an unfinished command name.
void AddNextWords(const Arguments& plain, const std::vector<std::string>& commands,
                  std::set<std::string>& candidates) {
  for (const std::string& name : commands) {
    const std::size_t blank = name.find(' ');
    if (plain.empty()) candidates.insert(name.substr(0, blank));
    if (plain.size() == 1 && blank != std::string::npos && name.substr(0, blank) == plain[0]) {
      candidates.insert(name.substr(blank + 1));
    }
  }
}

}  // namespace

std::vector<std::string> Complete(const Arguments& words, const std::vector<std::string>& commands,
                                  const HelpOf& help_of) {
  const std::string current = words.empty() ? "" : words.back();
  std::vector<Option> options = OptionsOf(help_of(""));
  const std::string command = CommandIn(PlainWords(words, options), commands);
  if (!command.empty()) options = OptionsOf(help_of(command));
  if (words.size() > 1 && WantsValue(options, words[words.size() - 2])) return {};

  std::set<std::string> candidates;
  if (StartsWith(current, "-")) {
    for (const Option& option : options) candidates.insert(option.name);
  } else if (command == "completion") {
    candidates = {"bash", "fish", "zsh"};
  } else if (command.empty()) {
    AddNextWords(PlainWords(words, options), commands, candidates);
  }
  std::vector<std::string> fitting;
  for (const std::string& one : candidates) {
    if (StartsWith(one, current)) fitting.push_back(one);
  }
  return fitting;
}

int CompletionCommand(const Arguments& arguments, Io io) {
  const std::string what = arguments.empty() ? "" : arguments.front();
  if (what == "words") {
    const auto help_of = [](std::string_view command) {
      std::ostringstream out;
      std::ostringstream err;
      std::istringstream split{std::string(command)};
      Arguments line;
      for (std::string word; split >> word;) line.push_back(word);
      line.emplace_back("--help");
      Run(line, {out, err});
      return out.str();
    };
    const Arguments words(arguments.begin() + 1, arguments.end());
    for (const std::string& one : Complete(words, CommandNames(), help_of)) io.out << one << "\n";
    return kExitOk;
  }
  for (const auto& [shell, script] : {std::pair("bash", kBash), {"zsh", kZsh}, {"fish", kFish}}) {
    if (what != shell) continue;
    io.out << script;
    return kExitOk;
  }
  const bool asked = what == "--help" || what == "-h";
  (asked ? io.out : io.err) << (asked ? "" : "jitwgctl: completion for which shell?\n") << kHelp;
  return asked ? kExitOk : kExitUsage;
}

}  // namespace jitwg::ctl
