#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ranvier/io/byte_source.h"
#include "ranvier/parallel/context.h"

namespace ranvier::io {

// Whole records of a CSV file: an iterator over part of a block.
class CsvPiece {
 public:
  // Thrown by Fail and Next; CsvFile makes it an IoError with the line number.
  struct Error {
    uint64_t line;  // counted from the first line of the piece
    std::string found;
    std::string remedy;
  };

  CsvPiece(std::string_view text, bool last, size_t columns, bool quotes)
      : next_(text.data()),
        end_(text.data() + text.size()),
        last_(last),
        quotes_(quotes),
        fields_(columns) {}

  // Goes to the next record that is not blank. False at the end of the piece.
  bool Next();
  std::string_view operator[](size_t column) const { return fields_[column]; }

  // Numbers, with blanks around them allowed. Ids never pass through a double.
  int64_t Integer(size_t column, const std::string& name) const;
  double Real(size_t column, const std::string& name) const;

  [[noreturn]] void Fail(std::string found, std::string remedy) const;

  // For CsvFile: the text not used (an unfinished record), lines gone by.
  const char* rest() const { return next_; }
  uint64_t lines() const { return lines_; }

 private:
  bool NextPlain();
  bool NextQuoted();
  void WrongFieldCount(size_t found) const;

  const char* next_;
  const char* end_;
  bool last_;    // the file ends where the piece ends
  bool quotes_;  // there is a quote in the block
  uint64_t lines_ = 0;
  uint64_t record_line_ = 0;
  std::vector<std::string_view> fields_;
  std::vector<std::string> unescaped_;
};

// A CSV file as RFC 4180 has it, plain or gzip: a header, comma, quotes, LF or
// CRLF, blank lines skipped, a UTF-8 byte order mark skipped. Read in blocks,
// unpacking the next one while pieces of the last one are parsed.
//
// Throws  IoError: path, line, what was found, what to try.
class CsvFile {
 public:
  explicit CsvFile(const std::string& path);

  const std::string& path() const { return source_.path(); }
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of a column, by name without regard to case, or -1.
  int Find(std::string_view name) const;
  // The same, but a missing column is an error that lists those there are.
  size_t Require(std::string_view name) const;
  [[noreturn]] void MissingColumn(const std::string& what,
                                  const std::string& remedy) const;

  // The highest number of pieces of a block.
  static size_t Slots(const Context& ctx);

  // Calls parse(piece, slot, sequence): pieces of one block run in parallel
  // with different slots, and sequence numbers the pieces in the order of the
  // file. begin_block(pieces) is called before, by the calling thread.
  void ForEachPiece(Context& ctx,
                    const std::function<void(size_t pieces)>& begin_block,
                    const std::function<void(CsvPiece& piece, size_t slot,
                                             size_t sequence)>& parse);

 private:
  struct Block {
    std::vector<char> memory;
    size_t begin = 0, end = 0;
    bool last = false;
  };
  void Fill(Block& block);
  void ReadHeader();

  ByteSource source_;
  std::vector<std::string> columns_;
  Block block_, next_block_;
  uint64_t line_ = 0;  // lines before block_.begin
};

}  // namespace ranvier::io
