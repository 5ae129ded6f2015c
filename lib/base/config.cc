#include "lib/base/config.h"

#include <algorithm>
#include <cstdlib>
#include <ostream>

#include "lib/base/config_file.h"
#include "lib/base/config_flags.h"
#include "lib/base/config_impl.h"
#include "lib/base/version.h"

namespace jitwg {

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

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
    if (option == nullptr && IsForOthers(entry.key)) continue;
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

bool ConfigParser::IsForOthers(const std::string& key) const {
  const auto& keys = impl_->passed_over;
  if (std::find(keys.begin(), keys.end(), key) != keys.end()) return true;
  if (!impl_->shares_file) return false;
  std::vector<std::string> names;
  for (const ConfigOption& option : impl_->options) names.push_back(option.name_);
  return NearestName(key, names).empty();
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
