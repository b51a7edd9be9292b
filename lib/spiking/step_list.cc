#include "ranvier/spiking/step_list.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>

#include <zlib.h>

#include "ranvier/simd/base/error.h"

namespace ranvier {
namespace {

constexpr size_t kLongestLine = size_t{64} << 10;
constexpr size_t kPlainText = size_t{64} << 20;
constexpr size_t kLargestRatio = 100;  // real event lists reach about 10

std::string At(const std::string& path, size_t line) {
  return path + ":" + std::to_string(line) + ": ";
}

std::string Quoted(std::string_view text) {
  return "'" + std::string(text.substr(0, 40)) + "'";
}

std::string_view Trim(std::string_view text) {
  const auto is_space = [](char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0;
  };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> fields;
  while (true) {
    const size_t comma = text.find(',');
    fields.push_back(Trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return fields;
    text.remove_prefix(comma + 1);
  }
}

template <class Integer>
bool Parse(std::string_view text, Integer& value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

constexpr size_t kNoColumn = std::numeric_limits<size_t>::max();

struct Columns {
  size_t step = 0, neuron = 1, id = kNoColumn;
};

Columns ReadHeader(const std::string& path, size_t line,
                   const std::vector<std::string_view>& names) {
  Columns columns{kNoColumn, kNoColumn, kNoColumn};
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "step") columns.step = i;
    if (names[i] == "neuron") columns.neuron = i;
    if (names[i] == "id") columns.id = i;
  }
  if (columns.step == kNoColumn ||
      (columns.neuron == kNoColumn && columns.id == kNoColumn)) {
    std::string found;
    for (const std::string_view name : names) {
      found += (found.empty() ? "" : ",") + std::string(name.substr(0, 40));
    }
    throw IoError(At(path, line) + "found the columns " + found.substr(0, 200) +
                  "; an event list has the columns step and neuron (an index) "
                  "or id");
  }
  return columns;
}

}  // namespace

void ForEachLine(
    const std::string& path,
    const std::function<void(size_t line, std::string_view)>& row) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw IoError(path + ": is a folder, a file was expected");
  }
  errno = 0;
  const auto close = [](gzFile file) { gzclose(file); };
  const std::unique_ptr<gzFile_s, decltype(close)> file(
      gzopen(path.c_str(), "rb"), close);
  if (!file) throw IoError(path + ": open: " + std::strerror(errno));
  gzbuffer(file.get(), 1 << 17);
  const uintmax_t size = std::filesystem::file_size(path, error);
  const uintmax_t limit =
      error ? kPlainText
            : std::max<uintmax_t>(kPlainText, kLargestRatio * size);

  std::string rest;  // a line that began in an earlier block
  std::vector<char> block(1 << 17);
  uintmax_t total = 0;
  size_t line = 0;
  const auto emit = [&](std::string_view text) {
    ++line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (!Trim(text).empty()) row(line, text);
  };
  while (true) {
    const int n =
        gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    int code = Z_OK;
    const char* detail = gzerror(file.get(), &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      throw IoError(At(path, line + 1) +
                    (code == Z_BUF_ERROR ? "the compressed file is cut short"
                                         : std::string(detail)) +
                    "; fetch the file again");
    }
    if (n == 0) break;
    total += static_cast<uintmax_t>(n);
    if (total > limit) {
      throw IoError(path + ": unpacks to more than " +
                    std::to_string(kLargestRatio) +
                    " times its size, which no event list does");
    }
    std::string_view text(block.data(), static_cast<size_t>(n));
    for (size_t end; (end = text.find('\n')) != std::string_view::npos;) {
      if (rest.empty()) {
        emit(text.substr(0, end));
      } else {
        rest += text.substr(0, end);
        emit(rest);
        rest.clear();
      }
      text.remove_prefix(end + 1);
    }
    rest += text;
    if (rest.size() > kLongestLine) {
      throw IoError(At(path, line + 1) +
                    "a line of more than 64 KiB; is this "
                    "a text file?");
    }
  }
  if (!rest.empty()) emit(rest);
}

std::vector<Spike> ReadStepList(const std::string& path, size_t neurons,
                                const Connectome* connectome) {
  std::vector<Spike> events;
  Columns columns;
  bool first = true;
  ForEachLine(path, [&](size_t line, std::string_view text) {
    const std::vector<std::string_view> fields = Fields(text);
    if (first) {
      first = false;
      uint64_t number = 0;
      if (!Parse(fields[0], number)) {
        columns = ReadHeader(path, line, fields);
        return;
      }
    }
    const bool by_id = columns.id != kNoColumn &&
                       (connectome != nullptr || columns.neuron == kNoColumn);
    const size_t who = by_id ? columns.id : columns.neuron;
    if (fields.size() <= std::max(columns.step, who)) {
      throw IoError(At(path, line) + "found " + std::to_string(fields.size()) +
                    " columns in " + Quoted(text) + ", expected " +
                    std::to_string(std::max(columns.step, who) + 1) +
                    " or more");
    }
    Spike event;
    if (!Parse(fields[columns.step], event.step)) {
      throw IoError(At(path, line) + "the step " +
                    Quoted(fields[columns.step]) +
                    " is not a whole number from 0 to 4294967295");
    }
    int64_t number = 0;
    if (!Parse(fields[who], number)) {
      throw IoError(At(path, line) + "the neuron " + Quoted(fields[who]) +
                    " is not a whole number");
    }
    const int64_t neuron =
        by_id && connectome != nullptr ? connectome->FindId(number) : number;
    if (neuron < 0 || static_cast<uint64_t>(neuron) >= neurons) {
      throw IoError(
          At(path, line) + "unknown neuron " + std::to_string(number) +
          (by_id ? "; the id is not in the connectome, check that both are of "
                   "the same release"
                 : "; neurons are called 0 to " +
                       std::to_string(static_cast<int64_t>(neurons) - 1) +
                       " here (a column named id holds ids)"));
    }
    event.neuron = static_cast<uint32_t>(neuron);
    events.push_back(event);
  });
  if (first) {
    throw IoError(path +
                  ": is empty; an event list has at least the header "
                  "step,neuron");
  }
  return events;
}

}  // namespace ranvier
