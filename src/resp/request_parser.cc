#include "resp/request_parser.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "resp/inline_args.h"

namespace ashlar::resp {
namespace {

/// "$0\r\n\r\n": what the shortest argument takes.
constexpr std::size_t kShortestArgument = 6;
/// Vectors larger than this are given back after an enormous command, in elements.
constexpr std::size_t kKeepElements = 16 * 1024;
/// No complete argument is longer than an address space half as large; keeps sums far from wrapping.
constexpr std::size_t kNoLongerThan = std::numeric_limits<std::size_t>::max() / 32;

/// Reads digits and their line end at `p`. Returns the byte behind them; null for anything else, be it wrong, above
/// `limit` or cut off.
inline const char* read_count(const char* p, const char* end, std::size_t limit, std::size_t& value) noexcept {
  if (end - p < 3) return nullptr;
  unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
  if (digit > 9) return nullptr;
  std::size_t v = digit;
  if (*++p != '\r') {
    if (v == 0) return nullptr;  // a leading zero
    do {
      digit = static_cast<unsigned char>(*p) - unsigned{'0'};
      if (digit > 9) return nullptr;
      v = v * 10 + digit;
      if (v > limit) return nullptr;
      ++p;
    } while (p != end && *p != '\r');
    if (end - p < 2) return nullptr;
  }
  value = v;
  return v <= limit ? p + 2 : nullptr;
}

std::size_t max_args_of(const Limits& limits) {
  return limits.login == Login::kAuthenticated ? limits.max_args
                                               : std::min(limits.max_args, Limits::kUnauthenticatedArgs);
}
std::size_t max_bulk_of(const Limits& limits) {
  return limits.login == Login::kAuthenticated ? limits.max_bulk_len
                                               : std::min(limits.max_bulk_len, Limits::kUnauthenticatedBulk);
}

}  // namespace

void CommandBatch::clear() {
  arg_count_ = 0;
  command_count_ = 0;
  // Not "= {}", which would keep the memory.
  if (args_.size() > kKeepElements) args_ = std::vector<std::string_view>();
  if (commands_.size() > kKeepElements) commands_ = std::vector<Command>();
}

void CommandBatch::grow(std::size_t n) { args_.resize(std::max(arg_count_ + n, 2 * args_.size() + 64)); }

/// The fast path: complete multibulk commands that break no rule, in one pass with nothing to remember. Returns their
/// length in bytes and stops before anything else, which resume() then judges.
std::size_t RequestParser::parse_whole(std::string_view input, const Limits& limits, std::size_t max_commands,
                                       CommandBatch& batch) {
  const char* start = input.data();
  const char* const end = start + input.size();
  const std::size_t max_args = std::min(max_args_of(limits), kNoLongerThan);
  const std::size_t max_bulk = std::min(max_bulk_of(limits), kNoLongerThan);
  while (batch.size() < max_commands && start != end && *start == '*') {
    std::size_t count = 0;
    const char* p = read_count(start + 1, end, max_args, count);
    if (p == nullptr || count == 0 || static_cast<std::size_t>(end - p) < count * kShortestArgument) break;
    std::string_view* out = batch.room(count);
    for (std::string_view* const last = out + count; out != last; ++out) {
      if (p == end || *p != '$') [[unlikely]]
        break;
      std::size_t length = 0;
      p = read_count(p + 1, end, max_bulk, length);
      if (p == nullptr || static_cast<std::size_t>(end - p) < length + 2) [[unlikely]]
        return static_cast<std::size_t>(start - input.data());
      *out = {p, length};
      p += length + 2;
    }
    if (out != batch.room(0) + count) break;
    batch.add(count, static_cast<std::size_t>(p - start));
    start = p;
  }
  return static_cast<std::size_t>(start - input.data());
}

Parsed RequestParser::parse(std::string_view input, const Limits& limits, std::size_t max_commands,
                            CommandBatch& batch) {
  batch.clear();
  decoded_.clear();
  std::size_t consumed = 0;
  while (true) {
    if (!started_) consumed += parse_whole(input.substr(consumed), limits, max_commands, batch);
    if (batch.size() >= max_commands) return {ParseStatus::kComplete, consumed};
    const Parsed parsed = resume(input.substr(consumed), limits, batch);
    consumed += parsed.consumed;
    if (parsed.status != ParseStatus::kComplete) return {parsed.status, consumed};
  }
}

/// One command of any kind, from where the last call stopped.
Parsed RequestParser::resume(std::string_view input, const Limits& limits, CommandBatch& batch) {
  if (!error_.empty()) return {ParseStatus::kError, 0};
  ASH_CHECK(pos_ + scanned_ <= input.size());  // the caller keeps what was not consumed
  missing_ = 0;
  const std::size_t commands_before = batch.size();
  ParseStatus status = ParseStatus::kComplete;
  while (status == ParseStatus::kComplete && batch.size() == commands_before) {
    if (args_left_ > 0) {
      status = read_argument(input, limits);
    } else if (!slices_.empty()) {
      std::string_view* out = batch.room(slices_.size());
      for (const Slice& slice : slices_) *out++ = input.substr(start_ + slice.offset, slice.length);
      batch.add(slices_.size(), pos_);
    } else {
      start_ = pos_;
      status = open_command(input, limits, batch);
    }
  }
  if (status == ParseStatus::kComplete) {
    const std::size_t consumed = pos_;
    finish_command();
    return {status, consumed};
  }
  const std::size_t consumed = std::exchange(start_, 0);
  pos_ -= consumed;
  started_ = input.size() > consumed;
  return {status, consumed};
}

/// Reads the first line of a command. kComplete leaves args_left_ 0 if the command is empty or inline.
ParseStatus RequestParser::open_command(std::string_view input, const Limits& limits, CommandBatch& batch) {
  if (pos_ == input.size()) return ParseStatus::kNeedMore;
  if (input[pos_] != '*') return read_inline(input, batch);
  const Line line = take_line(input, "too big mbulk count string");
  if (line.status != ParseStatus::kComplete) return line.status;
  const auto count = parse_i64(line.text);
  if (!count) return fail("invalid multibulk length");
  if (*count <= 0) return ParseStatus::kComplete;
  const auto wanted = static_cast<std::uint64_t>(*count);
  if (wanted > limits.max_args) return fail("invalid multibulk length");
  if (wanted > max_args_of(limits)) return fail("unauthenticated multibulk length");
  args_left_ = wanted;
  return ParseStatus::kComplete;
}

ParseStatus RequestParser::read_inline(std::string_view input, CommandBatch& batch) {
  const std::string_view rest = input.substr(pos_, Limits::kMaxLine + 1);
  const std::size_t end = rest.find('\n', scanned_);
  if (end == std::string_view::npos) {
    if (rest.size() > Limits::kMaxLine) return fail("too big inline request");
    scanned_ = rest.size();
    return ParseStatus::kNeedMore;
  }
  pos_ += end + 1;
  scanned_ = 0;
  std::string_view line = rest.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  batch.words_.clear();
  if (split_inline(line, batch.words_, decoded_) != SplitStatus::kOk) return fail("unbalanced quotes in request");
  if (!batch.words_.empty()) {
    std::ranges::copy(batch.words_, batch.room(batch.words_.size()));
    batch.add(batch.words_.size(), pos_);
  }
  return ParseStatus::kComplete;
}

/// Goes on with the argument at pos_: its header, then its bytes.
ParseStatus RequestParser::read_argument(std::string_view input, const Limits& limits) {
  if (!in_bulk_) {
    const std::size_t header = pos_;
    const Line line = take_line(input, "too big bulk count string");
    if (line.status != ParseStatus::kComplete) return line.status;
    if (input[header] != '$') return fail(std::string("expected '$', got '") + input[header] + "'");
    const auto length = parse_i64(line.text);
    if (!length || *length < 0) return fail("invalid bulk length");
    const auto wanted = static_cast<std::uint64_t>(*length);
    if (wanted > limits.max_bulk_len) return fail("invalid bulk length");
    if (wanted > max_bulk_of(limits)) return fail("unauthenticated bulk length");
    bulk_length_ = wanted;
    in_bulk_ = true;
  }
  const std::size_t there = input.size() - pos_;
  if (there < 2 || there - 2 < bulk_length_) {
    missing_ = bulk_length_ - there + 2;  // bulk_length_ is a positive 64-bit number: unsigned arithmetic holds it
    return ParseStatus::kNeedMore;
  }
  slices_.push_back({pos_ - start_, bulk_length_});
  pos_ += bulk_length_ + 2;
  in_bulk_ = false;
  --args_left_;
  return ParseStatus::kComplete;
}

/// The header line at pos_ without its type byte; moves behind it.
RequestParser::Line RequestParser::take_line(std::string_view input, const char* too_big) {
  const std::string_view rest = input.substr(pos_, Limits::kMaxLine + 1);
  const std::size_t end = rest.find('\r', scanned_);
  if (end == std::string_view::npos) {
    if (rest.size() > Limits::kMaxLine) return {fail(too_big), {}};
    scanned_ = rest.size();
    return {ParseStatus::kNeedMore, {}};
  }
  if (input.size() - pos_ < end + 2) {
    scanned_ = end;
    return {ParseStatus::kNeedMore, {}};
  }
  pos_ += end + 2;
  scanned_ = 0;
  return {ParseStatus::kComplete, end == 0 ? std::string_view() : rest.substr(1, end - 1)};
}

ParseStatus RequestParser::fail(std::string text) {
  error_ = "Protocol error: " + std::move(text);
  return ParseStatus::kError;
}

void RequestParser::finish_command() noexcept {
  start_ = pos_ = scanned_ = 0;
  started_ = false;
  slices_.clear();
  if (slices_.capacity() > kKeepElements) slices_ = std::vector<Slice>();
}

}  // namespace ashlar::resp
