#include "lib/base/config.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <ostream>

#include "lib/base/config_file.h"
#include "lib/base/config_flags.h"
#include "lib/base/version.h"

namespace jitwg {
namespace {

constexpr const char* kGeneral = "General";

}  // namespace

struct ConfigParser::Impl {
  std::string program;
  std::string summary;
  std::string examples;
  bool reads_file = false;
  std::deque<ConfigOption> options;  // a deque: references handed out stay valid
  std::vector<std::string> faults;
  std::vector<std::string> faulty_options;
  std::string config_path;
  bool file_unread = false;  // what seems missing may stand in it
  bool help = false;
  bool version = false;
  bool check = false;
};

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

ConfigParser::ConfigParser(std::string program, std::string summary, File file)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = std::move(program);
  impl_->summary = std::move(summary);
  impl_->reads_file = file == File::kRead;
  if (impl_->reads_file) {
    Add("config", &impl_->config_path, "TOML file with any of these options").ValueName("FILE");
    Add("check-config", &impl_->check, "check flags, environment and file, then exit").FlagOnly();
  }
  Add("help", &impl_->help, "show this help, then exit").FlagOnly();
  Add("version", &impl_->version, "show the version, then exit").FlagOnly();
  for (ConfigOption& option : impl_->options) option.Group(kGeneral);
}

ConfigParser::~ConfigParser() = default;

ConfigOption& ConfigParser::AddOption(const std::string& name, const std::string& help,
                                      ConfigOption::Kind kind) {
  ConfigOption& option = impl_->options.emplace_back();
  option.name_ = name;
  option.help_ = help;
  option.kind_ = kind;
  option.value_name_ = "TEXT";
  option.reset_ = [] {};
  return option;
}

ConfigOption& ConfigParser::AddStored(const std::string& name, const std::string& help,
                                      bool repeatable, std::function<void()> reset,
                                      std::function<Status(const std::string&)> store) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kText);
  option.repeatable_ = repeatable;
  option.reset_ = std::move(reset);
  option.store_ = std::move(store);
  return option;
}

ConfigOption& ConfigParser::Add(const std::string& name, bool* value, const std::string& help) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kSwitch);
  option.store_ = Storer<bool>(ParseBool, [value](bool parsed) { *value = parsed; });
  return option;
}

ConfigOption& ConfigParser::Add(const std::string& name, std::string* value,
                                const std::string& help) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kText);
  option.default_ = *value;
  option.store_ = [value](const std::string& text) -> Status {
    *value = text;
    return {};
  };
  return option;
}

ConfigOption& ConfigParser::Add(const std::string& name, std::vector<std::string>* value,
                                const std::string& help) {
  ConfigOption& option = AddStored(
      name, help, true, [value] { value->clear(); },
      [value](const std::string& text) -> Status {
        value->push_back(text);
        return {};
      });
  for (const std::string& item : *value) {
    option.default_ += (option.default_.empty() ? "" : ",") + item;
  }
  return option;
}

ConfigOption& ConfigParser::Add(const std::string& name, std::chrono::milliseconds* value,
                                const std::string& help) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kDuration);
  option.value_name_ = "DURATION";
  option.default_ = FormatDuration(*value);
  option.store_ = Storer<std::chrono::milliseconds>(
      ParseDuration, [value](std::chrono::milliseconds parsed) { *value = parsed; });
  return option;
}

ConfigOption& ConfigParser::Add(const std::string& name, FileMode* value, const std::string& help) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kFileMode);
  option.value_name_ = "MODE";
  option.default_ = FormatFileMode(*value);
  option.store_ = Storer<FileMode>(ParseFileMode, [value](FileMode parsed) { *value = parsed; });
  return option;
}

ConfigOption& ConfigParser::AddNumber(const std::string& name, std::string shown,
                                      const std::string& help, std::int64_t min, std::int64_t max,
                                      std::function<void(std::int64_t)> store) {
  ConfigOption& option = AddOption(name, help, ConfigOption::Kind::kNumber);
  option.value_name_ = "N";
  option.default_ = std::move(shown);
  option.range_ = {min, max};
  option.store_ = [min, max, store = std::move(store)](const std::string& text) -> Status {
    const auto number = ParseNumber(text, min, max);
    if (!number) return number.error();
    store(*number);
    return {};
  };
  return option;
}

ConfigOption& ConfigParser::AddPositional(const std::string& name, std::string* value,
                                          const std::string& help) {
  ConfigOption& option = Add(name, value, help);
  option.positional_ = true;
  option.flag_only_ = true;
  return option;
}

void ConfigParser::Examples(std::string text) { impl_->examples = std::move(text); }

void ConfigParser::Parse(int argc, const char* const* argv, const Environment& environment) {
  Parse(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), environment);
}

void ConfigParser::Parse(const std::vector<std::string>& arguments,
                         const Environment& environment) {
  ReadFlags(arguments);
  if (impl_->help || impl_->version) return;
  ReadEnvironment(environment);
  if (!impl_->config_path.empty()) ReadFile();
  if (!impl_->file_unread) NameMissing();
}

ConfigOption* ConfigParser::Find(const std::string& name) const {
  auto& options = impl_->options;
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const ConfigOption& option) { return option.name_ == name; });
  return found == options.end() ? nullptr : &*found;
}

void ConfigParser::Assign(ConfigOption& option, const std::vector<ConfigOption::Value>& values,
                          std::string source) {
  option.source_ = std::move(source);
  option.reset_();
  if (values.empty() && option.required_) AddFault(option.name_, "needs at least one value");
  if (values.size() > 1 && !option.repeatable_) {
    AddFault(option.name_, "takes one value, not " + std::to_string(values.size()));
    return;
  }
  for (const ConfigOption::Value& value : values) {
    for (const std::string& text :
         option.repeatable_ ? SplitAtCommas(value.text) : std::vector{value.text}) {
      const Status taken = option.Take({text, value.quoted});
      if (!taken) AddFault(option.name_, taken.error().message);
    }
  }
}

void ConfigParser::ReadFlags(const std::vector<std::string>& arguments) {
  std::vector<FlagSpec> specs;
  for (const ConfigOption& option : impl_->options) {
    if (!option.positional_) {
      specs.push_back(
          {option.name_, option.kind_ == ConfigOption::Kind::kSwitch, false, {}, {}, {}});
    }
  }
  const FlagValues parsed = SplitFlags(arguments, specs);
  for (const auto& [name, texts] : parsed.values) {
    std::vector<ConfigOption::Value> values;
    for (const std::string& text : texts) values.push_back({text, true});
    Assign(*Find(name), values, "flag --" + name);
  }
  auto word = parsed.words.begin();
  for (ConfigOption& option : impl_->options) {
    if (option.positional_ && word != parsed.words.end()) {
      Assign(option, {{*word++, true}}, "argument");
    }
  }
  for (; word != parsed.words.end(); ++word) {
    impl_->faults.push_back("unexpected argument " + Quoted(*word) +
                            "; options begin with --, lists are joined by commas");
  }
  for (const std::string& unknown : parsed.unknown) NameUnknown(unknown);
}

void ConfigParser::ReadEnvironment(const jitwg::Environment& environment) {
  for (ConfigOption& option : impl_->options) {
    if (option.flag_only_ || !option.source_.empty()) continue;
    const std::string variable = option.Environment();
    const auto text = environment(variable);
    if (text && !text->empty()) Assign(option, {{*text, true}}, "environment " + variable);
  }
}

void ConfigParser::ReadFile() {
  const auto entries = ReadConfigFile(impl_->config_path);
  if (!entries) {
    impl_->faults.push_back("--config: " + entries.error().message);
    impl_->file_unread = true;
    return;
  }
  for (const ConfigFileEntry& entry : *entries) {
    const std::string where = impl_->config_path + " line " + std::to_string(entry.line);
    ConfigOption* option = Find(entry.key);
    if (option == nullptr || option->flag_only_ || option->name_ == "config") {
      impl_->faults.push_back(where + ": unknown key " + Quoted(entry.key) +
                              Suggestion(entry.key, ""));
      continue;
    }
    if (!entry.problem.empty()) {
      impl_->faults.push_back(where + ": " + entry.key + ": " + entry.problem);
      continue;
    }
    if (!option->source_.empty()) continue;
    std::vector<ConfigOption::Value> values;
    for (const ConfigFileItem& item : entry.items) values.push_back({item.text, item.quoted});
    Assign(*option, values, where);
  }
}

std::string ConfigParser::Suggestion(const std::string& name, const std::string& dashes) const {
  std::vector<std::string> names;
  for (const ConfigOption& option : impl_->options) {
    if (!option.positional_) names.push_back(option.name_);
  }
  const std::string nearest = NearestName(name, names);
  return nearest.empty() ? "; see --help for those there are"
                         : "; did you mean '" + dashes + nearest + "'?";
}

void ConfigParser::NameUnknown(const std::string& argument) {
  const std::string name = argument.substr(0, argument.find('='));
  impl_->faults.push_back("unknown option " + Quoted(name) +
                          Suggestion(name.substr(std::min(name.size(), std::size_t{2})), "--"));
}

void ConfigParser::NameMissing() {
  for (const ConfigOption& option : impl_->options) {
    if (!option.required_ || !option.source_.empty()) continue;
    const std::string mend = option.positional_
                                 ? ""
                                 : "; give --" + option.name_ + " " + option.value_name_ + ", " +
                                       option.Environment() +
                                       (impl_->reads_file ? " or the key in a --config file" : "");
    impl_->faults.push_back(option.ShownName() + " is missing" + mend);
  }
}

void ConfigParser::AddFault(const std::string& option, const std::string& message) {
  const ConfigOption* known = Find(option);
  std::string line = known == nullptr ? option : known->ShownName();
  if (known != nullptr && !known->source_.empty() && known->source_ != "flag --" + option &&
      known->source_ != "argument") {
    line += " (" + known->source_ + ")";
  }
  impl_->faults.push_back(line + ": " + message);
  impl_->faulty_options.push_back(option);
}

std::string ConfigParser::Footer() const {
  const auto shown = std::find_if(
      impl_->options.begin(), impl_->options.end(),
      [](const ConfigOption& option) { return !option.flag_only_ && option.group_ != kGeneral; });
  std::string text;
  if (shown != impl_->options.end()) {
    const std::string assigned = shown->name_ + " = ";
    text += "Every option may also be given as an environment variable, " + shown->Environment();
    if (impl_->reads_file) text += ", or as\na key of the --config file, `" + assigned + "\"...\"`";
    text += ". A flag beats the environment, that beats\nthe file. Lists are joined by commas.\n";
  }
  if (!impl_->examples.empty()) text += "\nExamples:\n" + impl_->examples;
  return text;
}

std::string ConfigParser::Help() const {
  std::vector<FlagSpec> specs;
  for (const ConfigOption& option : impl_->options) {
    FlagSpec spec{option.name_,       option.kind_ == ConfigOption::Kind::kSwitch,
                  option.positional_, "",
                  option.help_,       option.group_};
    if (!spec.is_switch && !spec.positional) spec.shown = option.value_name_;
    if (option.repeatable_) spec.shown += "...";
    for (const std::string& choice : option.choices_) {
      spec.help += (&choice == &option.choices_.front() ? ": " : ", ") + choice;
    }
    if (!option.default_.empty()) spec.help += " [default: " + option.default_ + "]";
    if (option.required_) spec.help += " (required)";
    specs.push_back(std::move(spec));
  }
  // General options last, whatever was added first.
  std::stable_partition(specs.begin(), specs.end(),
                        [](const FlagSpec& spec) { return spec.group != kGeneral; });
  return LayOutHelp(impl_->program, impl_->summary, specs, Footer());
}

const std::vector<std::string>& ConfigParser::faults() const { return impl_->faults; }

bool ConfigParser::IsSet(const std::string& option) const {
  const ConfigOption* known = Find(option);
  return known != nullptr && !known->source_.empty();
}

bool ConfigParser::HasFault(const std::string& option) const {
  const auto& faulty = impl_->faulty_options;
  return std::find(faulty.begin(), faulty.end(), option) != faulty.end();
}

bool ConfigParser::Ends() const { return impl_->help || impl_->version; }

std::optional<int> ConfigParser::Finish(std::ostream& out, std::ostream& err) {
  if (impl_->help) {
    out << Help();
    return 0;
  }
  if (impl_->version) {
    out << impl_->program << " " << Version() << "\n";
    return 0;
  }
  for (const std::string& fault : impl_->faults) err << impl_->program << ": " << fault << "\n";
  if (!impl_->faults.empty()) return 2;
  if (!impl_->check) return std::nullopt;
  out << "configuration is valid\n";
  return 0;
}

}  // namespace jitwg
