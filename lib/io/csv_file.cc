#include "ranvier/io/csv_file.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <exception>
#include <optional>

#include "ranvier/io/io_fail.h"

namespace ranvier::io {
namespace {

// A record longer than this is no record of a connectome. What is left of a
// block when it is cut at a record's end is moved before the next block.
constexpr size_t kMaxRecord = size_t{1} << 20;
constexpr size_t kBlock = size_t{4} << 20;
constexpr size_t kMaxColumns = 4096;

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

bool HasQuote(const char* text, size_t size) {
  return size != 0 && std::memchr(text, '"', size) != nullptr;
}

}  // namespace

CsvFile::CsvFile(const std::string& path) : source_(path) {
  Fill(block_);
  ReadHeader();
}

// Reads behind the room for the last block's rest.
void CsvFile::Fill(Block& block) {
  const size_t size =
      static_cast<size_t>(std::min<uint64_t>(kBlock, source_.max_size()));
  block.memory.resize(kMaxRecord + size);
  block.begin = kMaxRecord;
  const size_t got = source_.Read(block.memory.data() + kMaxRecord, size);
  block.end = kMaxRecord + got;
  block.last = got < size;
  if (!block.last && !source_.gzip()) {
    block.last = source_.offset() == source_.max_size();
  }
}

void CsvFile::ReadHeader() {
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";
  std::string_view text(block_.memory.data() + block_.begin,
                        block_.end - block_.begin);
  if (text.substr(0, kMark.size()) == kMark) {
    block_.begin += kMark.size();
    text.remove_prefix(kMark.size());
  }
  // The header: as many fields as there are commas outside quotes, plus one.
  size_t commas = 0;
  bool quoted = false;
  bool seen = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++commas;
    if (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') {
      Fail(path(), AtLine(1), "is binary, not CSV text",
           "check the path, or name the file's format");
    }
    if (c == '\n' && !quoted && seen) break;
    seen = seen || (c != '\n' && c != '\r');
    if (commas >= kMaxColumns) {
      Fail(path(), AtLine(1),
           "has more than " + std::to_string(kMaxColumns) + " columns",
           "an edge list needs three; check the path");
    }
  }
  if (!seen) {
    Fail(path(), AtLine(1), "no header, only blank lines",
         "check that writing it has finished");
  }
  CsvPiece piece(text, block_.last, commas + 1,
                 HasQuote(text.data(), text.size()));
  try {
    if (!piece.Next()) {
      Fail(path(), AtLine(1), "the header has no end",
           "check the quotes and the path");
    }
  } catch (const CsvPiece::Error& error) {
    Fail(path(), AtLine(error.line + 1), error.found, error.remedy);
  }
  for (size_t i = 0; i <= commas; ++i) {
    std::string_view name = piece[i];
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    columns_.emplace_back(name);
  }
  if (columns_.size() == 1 &&
      columns_[0].find_first_of(";\t") != std::string::npos) {
    Fail(path(), AtLine(1), "fields are not separated by commas",
         "write the file again as comma-separated CSV");
  }
  block_.begin = static_cast<size_t>(piece.rest() - block_.memory.data());
  line_ = piece.lines();
}

int CsvFile::Find(std::string_view name) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (SameName(columns_[i], name)) return static_cast<int>(i);
  }
  return -1;
}

size_t CsvFile::Require(std::string_view name) const {
  const int column = Find(name);
  if (column < 0) {
    MissingColumn("no column " + Quoted(name),
                  "name one of these or choose another format");
  }
  return static_cast<size_t>(column);
}

void CsvFile::MissingColumn(const std::string& what,
                            const std::string& remedy) const {
  std::string list;
  for (size_t i = 0; i < columns_.size() && i < 16; ++i) {
    list += (i == 0 ? "" : ", ") + Quoted(columns_[i]);
  }
  if (columns_.size() > 16) list += ", ...";
  Fail(path(), AtLine(1), what + "; the columns are " + list, remedy);
}

// More pieces than threads, so that the thread that unpacks can join in late.
size_t CsvFile::Slots(const Context& ctx) {
  return static_cast<size_t>(std::clamp(2 * ctx.threads(), 4, 64));
}

void CsvFile::ForEachPiece(
    Context& ctx, const std::function<void(size_t)>& begin_block,
    const std::function<void(CsvPiece&, size_t, size_t)>& parse) {
  constexpr size_t kMinPiece = size_t{1} << 16;
  const size_t slots = Slots(ctx);
  size_t sequence = 0;
  while (true) {
    const char* const base = block_.memory.data();
    const std::string_view text(base + block_.begin, block_.end - block_.begin);
    // Cut where records end. Any newline does if the block has no quote.
    const bool quotes = HasQuote(text.data(), text.size());
    std::vector<std::string_view> parts;
    if (quotes) {
      parts.push_back(text);
    } else {
      const size_t cut = block_.last ? text.size() : text.rfind('\n') + 1;
      const size_t step = std::max(kMinPiece, cut / slots + 1);
      for (size_t begin = 0; begin < cut;) {
        size_t end = std::min(begin + step, cut);
        if (end < cut) {
          const size_t newline = text.find('\n', end);
          end = newline == std::string_view::npos ? cut
                                                  : std::min(newline + 1, cut);
        }
        parts.push_back(text.substr(begin, end - begin));
        begin = end;
      }
    }
    std::vector<CsvPiece> pieces;
    for (const std::string_view part : parts) {
      pieces.emplace_back(part, block_.last, columns_.size(), quotes);
    }
    begin_block(pieces.size());

    // The next block is unpacked beside the parsing. Nothing waits for
    // anything here: it works on one thread and in a busy arena as well.
    std::exception_ptr fill_error;
    std::vector<std::optional<CsvPiece::Error>> errors(pieces.size());
    ctx.ParallelFor(pieces.size() + 1, [&](size_t i) {
      if (i == 0) {
        if (block_.last) return;
        try {
          Fill(next_block_);
        } catch (...) {
          fill_error = std::current_exception();
        }
        return;
      }
      try {
        parse(pieces[i - 1], i - 1, sequence + i - 1);
      } catch (CsvPiece::Error& error) {
        errors[i - 1] = std::move(error);
      }
    });
    for (size_t i = 0; i < pieces.size(); ++i) {  // the first in the file
      if (errors[i].has_value()) {
        Fail(path(), AtLine(line_ + errors[i]->line + 1), errors[i]->found,
             errors[i]->remedy);
      }
      line_ += pieces[i].lines();
    }
    sequence += pieces.size();
    if (block_.last) break;
    if (fill_error != nullptr) std::rethrow_exception(fill_error);
    if (ctx.cancelled()) throw CancelledError(path() + ": reading was stopped");
    ctx.ReportProgress(source_.consumed_share());

    const char* const rest =
        quotes ? pieces[0].rest()
               : (parts.empty() ? text.data()
                                : parts.back().data() + parts.back().size());
    const auto left = static_cast<size_t>(base + block_.end - rest);
    if (left > kMaxRecord) {
      Fail(path(), AtLine(line_ + 1),
           "a record of more than " + std::to_string(kMaxRecord) + " bytes",
           "check for a quote that is never closed, or another kind of file");
    }
    next_block_.begin -= left;
    std::memcpy(next_block_.memory.data() + next_block_.begin, rest, left);
    std::swap(block_, next_block_);
  }
}

}  // namespace ranvier::io
