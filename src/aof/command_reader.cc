#include "aof/command_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::aof {
namespace {
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kReadBytesMax = 1 << 20;
constexpr std::size_t kHeaderLineMax = 32;  // mark, at most 20 digits, line end
constexpr std::size_t kAnnotationLineMax = 1024;
constexpr std::uint64_t kArgumentsMax = 1ULL << 31;
}  // namespace

void CommandReader::drop_consumed() {
  // Not for every command: moving the rest of the window to its front costs.
  if (position_ < kReadBytes && position_ != window_.size()) return;
  window_.erase(0, position_);
  window_offset_ += position_;
  position_ = 0;
}

Result<bool> CommandReader::read_more(std::size_t wanted) {
  const std::size_t had = window_.size();
  window_.resize(had + std::clamp(wanted, kReadBytes, kReadBytesMax));
  ASH_TRY(const std::size_t n, source_.read(std::span(window_).subspan(had)));
  window_.resize(had + n);
  return n > 0;
}

Result<bool> CommandReader::have(std::size_t n) {
  while (window_.size() - position_ < n) {
    ASH_TRY(const bool more, read_more(n - (window_.size() - position_)));
    if (!more) return false;
  }
  return true;
}

CommandReader::Step CommandReader::bad(std::size_t at, const char* why) noexcept {
  position_ = at;
  wrong_ = why;
  return Step::kBad;
}

Result<CommandReader::Next> CommandReader::next() {
  for (;;) {
    drop_consumed();
    record_offset_ = window_offset_ + position_;
    ASH_TRY(const bool there, have(1));
    if (!there) return Next::kEnd;
    const bool annotation = window_[position_] == '#';
    std::string_view text;
    ASH_TRY(const Step step, annotation ? line(kAnnotationLineMax, text) : record());
    if (step == Step::kShort) return Next::kTruncated;
    note_ = annotation && step == Step::kDone ? text : std::string_view();
    if (step == Step::kDone && annotation) continue;
    if (step == Step::kDone) return Next::kCommand;
    ASH_TRY(const bool zeros, zeros_to_the_end());
    if (zeros) return Next::kTruncated;
    return fail(ErrorCode::kCorrupt,
                fmt::format("bad file format: {} at offset {}", wrong_, window_offset_ + position_));
  }
}

Result<CommandReader::Step> CommandReader::record() {
  std::uint64_t count = 0;
  ASH_TRY(Step step, number('*', kArgumentsMax, count));
  if (step != Step::kDone) return step;
  if (count == 0) return bad(position_ - 1, "command without arguments");
  slices_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    ASH_TRY(step, argument());
    if (step != Step::kDone) return step;
  }
  args_.clear();
  for (const Slice& s : slices_) args_.push_back(std::string_view(window_).substr(s.at, s.size));
  return Step::kDone;
}

Result<CommandReader::Step> CommandReader::argument() {
  std::uint64_t size = 0;
  ASH_TRY(const Step step, number('$', limits_.argument_bytes_max, size));
  if (step != Step::kDone) return step;
  const std::uint64_t whole = size + 2;
  for (std::uint64_t seen = 0; seen < whole;) {  // in steps: the announced size is only a claim
    seen = std::min<std::uint64_t>(seen + kReadBytesMax, whole);
    ASH_TRY(const bool there, have(seen));
    if (!there) return Step::kShort;
  }
  const std::size_t end = position_ + size;
  if (window_[end] != '\r') return bad(end, "line end expected");
  if (window_[end + 1] != '\n') return bad(end + 1, "line end expected");
  slices_.push_back({position_, size});
  position_ = end + 2;
  return Step::kDone;
}

Result<CommandReader::Step> CommandReader::number(char mark, std::uint64_t max, std::uint64_t& value) {
  ASH_TRY(const bool there, have(1));
  if (!there) return Step::kShort;
  if (window_[position_] != mark) return bad(position_, mark == '*' ? "'*' expected" : "'$' expected");
  const std::size_t at = position_;
  std::string_view text;
  ASH_TRY(const Step step, line(kHeaderLineMax, text));
  if (step != Step::kDone) return step;
  const auto parsed = parse_u64(text.substr(1));
  if (!parsed || *parsed > max) return bad(at + 1, "wrong number");
  value = *parsed;
  return Step::kDone;
}

Result<CommandReader::Step> CommandReader::line(std::size_t bytes_max, std::string_view& text) {
  for (;;) {
    const std::string_view rest = std::string_view(window_).substr(position_, bytes_max);
    if (const std::size_t end = rest.find_first_of(std::string_view("\n\0", 2)); end != std::string_view::npos) {
      if (rest[end] == '\0' || end == 0 || rest[end - 1] != '\r') return bad(position_ + end, "line end expected");
      text = rest.substr(0, end - 1);
      position_ += end + 1;
      return Step::kDone;
    }
    if (rest.size() == bytes_max) return bad(position_, "line too long");
    ASH_TRY(const bool more, read_more(1));
    if (!more) return Step::kShort;
  }
}

Result<bool> CommandReader::zeros_to_the_end() {
  std::size_t at = position_;
  for (;;) {
    for (; at < window_.size(); ++at) {
      if (window_[at] != '\0') return false;
    }
    // All zeros so far: only the first is kept, so that a long tail takes no memory.
    at = position_ + 1;
    window_.resize(at);
    ASH_TRY(const bool more, read_more(1));
    if (!more) return true;
  }
}

}  // namespace ashlar::aof
