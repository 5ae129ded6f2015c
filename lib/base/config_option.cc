// One option: its rules, and how a text becomes its value.
#include <algorithm>
#include <cctype>
#include <limits>

#include "lib/base/config.h"

namespace jitwg {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

ConfigOption& ConfigOption::Required() {
  required_ = true;
  return *this;
}

ConfigOption& ConfigOption::OneOf(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}

ConfigOption& ConfigOption::Range(std::int64_t min, std::int64_t max) {
  range_ = {min, max};
  return *this;
}

ConfigOption& ConfigOption::Range(std::chrono::milliseconds min, std::chrono::milliseconds max) {
  return Range(min.count(), max.count());
}

ConfigOption& ConfigOption::Check(std::function<Status(const std::string&)> check) {
  checks_.push_back(std::move(check));
  return *this;
}

ConfigOption& ConfigOption::ValueName(std::string name) {
  value_name_ = std::move(name);
  return *this;
}

ConfigOption& ConfigOption::Group(std::string group) {
  group_ = std::move(group);
  return *this;
}

ConfigOption& ConfigOption::FlagOnly() {
  flag_only_ = true;
  return *this;
}

std::string ConfigOption::Environment() const {
  std::string variable = "JITWG_" + name_;
  std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return variable;
}

std::string ConfigOption::ShownName() const {
  if (!positional_) return "--" + name_;
  std::string shown = name_;
  std::transform(shown.begin(), shown.end(), shown.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return shown;
}

Status ConfigOption::Take(const Value& value) const {
  const std::string& text = value.text;
  if (text.empty()) return InvalidArgument("needs a value; leave the option out for its default");
  if (kind_ == Kind::kFileMode && !value.quoted) {
    return InvalidArgument("a file mode is written as a string, like \"0660\"");
  }
  if (!choices_.empty() && std::find(choices_.begin(), choices_.end(), text) == choices_.end()) {
    return InvalidArgument(Quoted(text) + " is none of " + Joined(choices_));
  }
  if (kind_ == Kind::kDuration && range_) {
    const auto duration = ParseDuration(text);
    if (duration && (duration->count() < range_->first || duration->count() > range_->second)) {
      return InvalidArgument(Quoted(text) + " is not within " +
                             FormatDuration(std::chrono::milliseconds(range_->first)) + ".." +
                             FormatDuration(std::chrono::milliseconds(range_->second)));
    }
  }
  if (kind_ == Kind::kNumber) {
    const auto number = ParseNumber(text, range_->first, range_->second);
    if (!number) return number.error();
  }
  for (const auto& check : checks_) {
    if (auto checked = check(text); !checked) return checked;
  }
  return store_(text);
}

}  // namespace jitwg
