#include <charconv>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include "ranvier/io/csv_file.h"
#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

void CsvPiece::Fail(std::string found, std::string remedy) const {
  throw Error{record_line_, std::move(found), std::move(remedy)};
}

void CsvPiece::WrongFieldCount(size_t found) const {
  Fail(std::to_string(found) + (found == 1 ? " field" : " fields") +
           " where the header has " + std::to_string(fields_.size()),
       "quote fields that hold commas; check for a line cut in two");
}

int64_t CsvPiece::Integer(size_t column, const std::string& name) const {
  const std::string_view text = Trimmed(fields_[column]);
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    Fail("column " + name + " holds " + Quoted(text) +
             ", which does not fit 64 bits",
         "ids are signed 64-bit integers");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    Fail("column " + name + " holds " + Quoted(text) +
             " where a whole number is wanted",
         text.find_first_of(".eE") != std::string_view::npos
             ? "export ids as integers: a program that reads them as reals "
               "destroys their last digits"
             : "check the column's name and the export");
  }
  return value;
}

double CsvPiece::Real(size_t column, const std::string& name) const {
  const std::string_view text = Trimmed(fields_[column]);
  const char* const end = text.data() + text.size();
  int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc() && stop == end) {
    return static_cast<double>(whole);
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range ||
      (error == std::errc() && stop == end && !std::isfinite(value))) {
    Fail("column " + name + " holds " + Quoted(text) +
             ", which is no finite number",
         "remove the row or correct its weight");
  }
  if (error != std::errc() || stop != end) {
    Fail("column " + name + " holds " + Quoted(text) +
             " where a number is wanted",
         "check the column's name and the export");
  }
  return value;
}

bool CsvPiece::Next() { return quotes_ ? NextQuoted() : NextPlain(); }

bool CsvPiece::NextPlain() {
  while (next_ != end_) {
    const auto left = static_cast<size_t>(end_ - next_);
    const auto* stop = static_cast<const char*>(std::memchr(next_, '\n', left));
    const char* line_end = stop != nullptr ? stop : end_;
    const char* field = next_;
    next_ = stop != nullptr ? stop + 1 : end_;
    record_line_ = lines_++;
    if (line_end != field && line_end[-1] == '\r') --line_end;
    if (line_end == field) continue;  // blank line
    size_t count = 0;
    for (const char* p = field;; ++p) {
      if (p != line_end && *p != ',') continue;
      if (count < fields_.size()) {
        fields_[count] = {field, static_cast<size_t>(p - field)};
      }
      ++count;
      if (p == line_end) break;
      field = p + 1;
    }
    if (count != fields_.size()) WrongFieldCount(count);
    return true;
  }
  return false;
}

bool CsvPiece::NextQuoted() {
  while (next_ != end_) {
    const char* p = next_;
    record_line_ = lines_;
    uint64_t lines = lines_;
    size_t count = 0;
    bool blank = true;
    unescaped_.resize(fields_.size());
    for (bool more = true; more;) {  // over fields
      std::string_view value;
      if (p != end_ && *p == '"') {
        blank = false;
        const char* const begin = ++p;
        bool doubled = false;
        for (;; ++p) {
          if (p == end_) {
            if (!last_) return false;  // goes on in the next block
            Fail("a quote that is never closed", "add the closing quote");
          }
          if (*p == '\n') ++lines;
          if (*p != '"') continue;
          if (p + 1 == end_ && !last_) return false;
          if (p + 1 == end_ || p[1] != '"') break;
          doubled = true;
          ++p;
        }
        value = {begin, static_cast<size_t>(p - begin)};
        ++p;
        if (doubled && count < fields_.size()) {
          std::string& text = unescaped_[count];
          text.clear();
          for (size_t i = 0; i < value.size(); ++i) {
            text += value[i];
            if (value[i] == '"') ++i;
          }
          value = text;
        }
        if (p != end_ && *p == '\r') {  // of CRLF, which a block may cut
          if (p + 1 == end_ && !last_) return false;
          if (p + 1 == end_ || p[1] == '\n') ++p;
        }
        if (p != end_ && *p != ',' && *p != '\n') {
          Fail("text after a closing quote",
               "double the quotes inside a quoted field");
        }
      } else {
        const char* const begin = p;
        while (p != end_ && *p != ',' && *p != '\n') ++p;
        const char* stop = p;
        if (stop != begin && stop[-1] == '\r' && (p == end_ || *p == '\n')) {
          --stop;
        }
        value = {begin, static_cast<size_t>(stop - begin)};
        blank = blank && value.empty();
      }
      if (p == end_ && !last_) return false;
      if (count < fields_.size()) fields_[count] = value;
      ++count;
      if (p != end_ && *p == ',') {
        blank = false;
        ++p;
      } else {
        more = false;
        if (p != end_) {  // newline
          ++p;
          ++lines;
        }
      }
    }
    next_ = p;
    lines_ = lines;
    if (blank) continue;
    if (count != fields_.size()) WrongFieldCount(count);
    return true;
  }
  return false;
}

}  // namespace ranvier::io
