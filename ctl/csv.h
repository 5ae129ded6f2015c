// Reads CSV as RFC 4180 has it. Pure; knows no column.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace jitwg::ctl {

// Records one after the other; lines end with LF or CRLF, blank lines are passed over.
class CsvReader {
 public:
  // A byte order mark in front is passed over. `text` must outlive the reader.
  explicit CsvReader(std::string_view text);

  // nullopt at the end. kInvalidArgument: a quote that is not closed, or something behind a closed
  // one.
  Result<std::optional<std::vector<std::string>>> Next();
  // The line on which the last record began, from 1.
  std::size_t line() const { return record_line_; }

 private:
  Result<std::string> Field();
  Result<std::string> QuotedField();
  bool TakeLineEnd();
  bool AtLineEnd() const;

  std::string_view rest_;
  std::size_t line_ = 1;
  std::size_t record_line_ = 0;
};

}  // namespace jitwg::ctl
