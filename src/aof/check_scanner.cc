#include "aof/check_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "snapshot/rdb_reader.h"

namespace ashlar::aof {
namespace {

constexpr std::size_t kHeaderLineMax = 127;
constexpr std::size_t kAnnotationLineMax = 1024;
/// What of an argument is looked at: enough for the names that matter.
constexpr std::size_t kHeadMax = 8;

/// Digits with an optional sign at the front of `text`, and how many bytes they take. What does not fit becomes the
/// largest number.
struct Parsed {
  std::int64_t value;
  std::size_t size;
};
Parsed parse_front(std::string_view text) {
  std::size_t size = text.starts_with('-') ? 1 : 0;
  const std::size_t digits_at = size;
  while (size < text.size() && text[size] >= '0' && text[size] <= '9') ++size;
  if (size == digits_at) return {0, 0};
  const auto value = parse_i64(text.substr(0, size));
  if (value) return {*value, size};
  const bool leading_zero = size > digits_at + 1 && text[digits_at] == '0';
  if (leading_zero) return {0, 0};  // no number that the loader takes
  return {digits_at != 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max(), size};
}

}  // namespace

Result<std::optional<char>> CheckScanner::peek() {
  if (at_ == filled_) {
    base_ += filled_;
    filled_ = at_ = 0;
    ASH_TRY(filled_, source_.read(buffer_));
    if (filled_ == 0) return std::nullopt;
  }
  return buffer_[at_];
}

Result<void> CheckScanner::line_text(std::size_t bytes_max) {
  begun_ = position();
  text_.clear();
  while (text_.size() < bytes_max && !text_.ends_with('\n')) {
    ASH_TRY(const std::optional<char> c, peek());
    if (!c) break;
    text_ += *c;
    ++at_;
  }
  return {};
}

bool CheckScanner::fault(std::string_view what) {
  wrong_ = fmt::format("0x{:16x}: {}", begun_, what);
  return false;
}

bool CheckScanner::line_end(std::string_view rest) {
  if (rest.starts_with("\r\n")) {
    ++line_;
    return true;
  }
  const auto byte = [rest](std::size_t i) { return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0; };
  return fault(fmt::format("Expected \\r\\n, got: {:02x}{:02x}", byte(0), byte(1)));
}

Result<CheckScanner::Found> CheckScanner::next() {
  if (!in_transaction_) good_until_ = position();
  note_.clear();
  ASH_TRY(const std::optional<char> first, peek());
  if (!first) {
    if (in_transaction_) (void)fault("Reached EOF before reading EXEC for MULTI");
    return Found::kEnd;
  }
  if (*first != '#' && *first != '*') {
    wrong_ = fmt::format("AOF {} format error", name_);
    return Found::kWrong;
  }
  ASH_TRY(const bool good, *first == '#' ? annotation() : record());
  if (good) return Found::kRecord;
  if (in_transaction_ && wrong_.empty()) (void)fault("Reached EOF before reading EXEC for MULTI");
  return Found::kWrong;
}

Result<bool> CheckScanner::annotation() {
  ASH_TRY_VOID(line_text(kAnnotationLineMax));
  if (!text_.ends_with("\r\n") || text_.find('\0') != std::string::npos)
    return fault("Expected a line end behind an annotation");
  note_.assign(text_, 0, text_.size() - 2);
  return true;
}

Result<std::optional<std::int64_t>> CheckScanner::number(char mark) {
  ASH_TRY_VOID(line_text(kHeaderLineMax));
  if (text_.empty()) return std::nullopt;
  if (text_[0] != mark) {
    (void)fault(fmt::format("Expected prefix '{}', got: '{}'", mark, snapshot::rdb::shown(text_.substr(0, 1))));
    return std::nullopt;
  }
  const std::string_view rest = std::string_view(text_).substr(1);
  const Parsed parsed = parse_front(rest);
  if (!line_end(rest.substr(parsed.size))) return std::nullopt;
  if (parsed.size == 0) {
    (void)fault("Expected a number");
    return std::nullopt;
  }
  return parsed.value;
}

Result<bool> CheckScanner::record() {
  ASH_TRY(const std::optional<std::int64_t> count, number('*'));
  if (!count) return false;
  if (*count <= 0) return fault(fmt::format("Expected at least one argument, got: {}", *count));
  std::string head;
  for (std::int64_t i = 0; i < *count; ++i) {
    ASH_TRY(const bool good, argument(head));
    if (!good) return false;
    if (i == 0 && !transaction(head)) return false;
  }
  return true;
}

Result<bool> CheckScanner::argument(std::string& head) {
  ASH_TRY(const std::optional<std::int64_t> size, number('$'));
  if (!size) return false;
  if (*size < 0 || *size > std::numeric_limits<std::int64_t>::max() - 2) {
    return fault(fmt::format("Expected to read string of {} bytes, which is not in the suitable range", *size));
  }
  begun_ = position();
  const auto whole = static_cast<std::uint64_t>(*size) + 2;
  head.clear();
  char end[2] = {};
  for (std::uint64_t seen = 0; seen < whole;) {
    ASH_TRY(const std::optional<char> more, peek());
    if (!more) return fault(fmt::format("Expected to read {} bytes, got {} bytes", whole, seen));
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(filled_ - at_, whole - seen));
    const std::string_view piece(buffer_.data() + at_, n);
    if (head.size() < kHeadMax) head += piece.substr(0, kHeadMax - head.size());
    for (std::size_t i = n > 2 ? n - 2 : 0; i < n; ++i) {
      end[0] = end[1];
      end[1] = piece[i];
    }
    at_ += n;
    seen += n;
  }
  if (static_cast<std::uint64_t>(*size) < head.size()) head.resize(static_cast<std::size_t>(*size));
  return line_end({end, sizeof end});
}

bool CheckScanner::transaction(std::string_view command) {
  if (iequals(command, "multi")) {  // tidy: allow(command-name): a mark of the file format
    if (in_transaction_) return fault(fmt::format("Unexpected MULTI in AOF {}", name_));
    in_transaction_ = true;
  } else if (iequals(command, "exec")) {  // tidy: allow(command-name): a mark of the file format
    if (!in_transaction_) return fault(fmt::format("Unexpected EXEC in AOF {}", name_));
    in_transaction_ = false;
  }
  return true;
}

}  // namespace ashlar::aof
