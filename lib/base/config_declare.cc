// The part of ConfigParser that declares options and describes them.
#include <algorithm>

#include "lib/base/config_flags.h"
#include "lib/base/config_impl.h"

namespace jitwg {

ConfigParser::ConfigParser(std::string program, std::string summary, File file)
    : impl_(std::make_unique<Impl>()) {
  impl_->program = std::move(program);
  impl_->summary = std::move(summary);
  impl_->reads_file = file != File::kNone;
  impl_->shares_file = file == File::kShared;
  if (impl_->reads_file) {
    Add("config", &impl_->config_path, "TOML file with any of these options").ValueName("FILE");
    Add("check-config", &impl_->check, "check flags, environment and file, then exit").FlagOnly();
  }
  Add("help", &impl_->help, "show this help, then exit").FlagOnly();
  Add("version", &impl_->version, "show the version, then exit").FlagOnly();
  for (ConfigOption& option : impl_->options) option.Group(kGeneralGroup);
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

void ConfigParser::PassOver(std::vector<std::string> keys) { impl_->passed_over = std::move(keys); }

void ConfigParser::Examples(std::string text) { impl_->examples = std::move(text); }

std::string ConfigParser::Footer() const {
  const auto shown =
      std::find_if(impl_->options.begin(), impl_->options.end(), [](const ConfigOption& option) {
        return !option.flag_only_ && option.group_ != kGeneralGroup;
      });
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
                        [](const FlagSpec& spec) { return spec.group != kGeneralGroup; });
  return LayOutHelp(impl_->program, impl_->summary, specs, Footer());
}

}  // namespace jitwg
