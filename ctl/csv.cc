#include "ctl/csv.h"

#include <algorithm>

namespace jitwg::ctl {

CsvReader::CsvReader(std::string_view text) : rest_(text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (rest_.substr(0, 3) == kByteOrderMark) rest_.remove_prefix(3);
}

bool CsvReader::AtLineEnd() const {
  return rest_.empty() || rest_.front() == '\n' || rest_.substr(0, 2) == "\r\n";
}

bool CsvReader::TakeLineEnd() {
  if (rest_.empty() || !AtLineEnd()) return false;
  rest_.remove_prefix(rest_.front() == '\n' ? 1 : 2);
  ++line_;
  return true;
}

Result<std::optional<std::vector<std::string>>> CsvReader::Next() {
  using Record = std::optional<std::vector<std::string>>;
  while (TakeLineEnd()) {
  }
  record_line_ = line_;
  if (rest_.empty()) return Record();
  std::vector<std::string> fields;
  while (true) {
    auto field = Field();
    if (!field) return field.error();
    fields.push_back(std::move(*field));
    if (TakeLineEnd() || rest_.empty()) return Record(std::move(fields));
    rest_.remove_prefix(1);  // the comma
  }
}

Result<std::string> CsvReader::Field() {
  if (!rest_.empty() && rest_.front() == '"') return QuotedField();
  std::size_t size = std::min(rest_.find_first_of(",\n"), rest_.size());
  std::string_view field = rest_.substr(0, size);
  if (size < rest_.size() && rest_[size] == '\n' && !field.empty() && field.back() == '\r') {
    field.remove_suffix(1);
  }
  rest_.remove_prefix(field.size());
  return std::string(field);
}

Result<std::string> CsvReader::QuotedField() {
  const Error open{ErrorCode::kInvalidArgument,
                   "line " + std::to_string(line_) + ": a quote that is not closed"};
  rest_.remove_prefix(1);
  std::string field;
  while (true) {
    const std::size_t quote = rest_.find('"');
    if (quote == std::string_view::npos) return open;
    field += rest_.substr(0, quote);
    rest_.remove_prefix(quote + 1);
    if (rest_.empty() || rest_.front() != '"') break;
    field += '"';
    rest_.remove_prefix(1);
  }
  line_ += static_cast<std::size_t>(std::count(field.begin(), field.end(), '\n'));
  if (AtLineEnd() || rest_.front() == ',') return field;
  return Error{ErrorCode::kInvalidArgument,
               "line " + std::to_string(line_) + ": something stands behind a closed quote"};
}

}  // namespace jitwg::ctl
