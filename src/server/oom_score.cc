#include "server/oom_score.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace ashlar::server {

namespace {
constexpr int kLowest = -1000;  // what the system takes
constexpr int kHighest = 1000;
}  // namespace

OomScore::Wish oom_wish(std::string_view mode, std::string_view values) {
  using Mode = OomScore::Mode;
  OomScore::Wish wish;
  wish.mode = mode == "no" ? Mode::kLeft : mode == "absolute" ? Mode::kAbsolute : Mode::kRelative;
  std::array<int, 2> numbers{};
  for (int& number : numbers) {
    const std::size_t end = std::min(values.find(' '), values.size());
    number = static_cast<int>(parse_i64(values.substr(0, end)).value_or(0));
    values.remove_prefix(std::min(end + 1, values.size()));
  }
  wish.primary = numbers[0];
  wish.replica = numbers[1];
  return wish;
}

Result<int> OomScore::read() {
  ASH_TRY(const auto file, files_.open(path_, OpenMode::kRead));
  constexpr std::size_t kEnough = 32;
  ASH_TRY(std::string text, file->read_at(0, kEnough));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto value = parse_i64(text);
  if (!value) return fail(ErrorCode::kIo, path_ + " holds no number");
  return static_cast<int>(*value);
}

Result<void> OomScore::write(int score) {
  ASH_TRY(const auto file, files_.open(path_, OpenMode::kTruncate));
  return file->append(std::to_string(score));
}

Result<void> OomScore::apply(const Wish& wish, Role role) {
  MutexLock lock(mutex_);
  if (wish.mode == Mode::kLeft) {
    if (!base_) return {};
    ASH_TRY_VOID(write(*base_));
    base_.reset();
    return {};
  }
  int base = 0;
  if (base_) {
    base = *base_;
  } else {
    ASH_TRY(base, read());
  }
  int score = role == Role::kPrimary ? wish.primary : wish.replica;
  if (wish.mode == Mode::kRelative) score += base;
  ASH_TRY_VOID(write(std::clamp(score, kLowest, kHighest)));
  base_ = base;
  return {};
}

}  // namespace ashlar::server
