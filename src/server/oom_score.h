/// How readily the system ends this process when memory runs out: directives oom-score-adj and oom-score-adj-values.
/// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/sync.h"

namespace ashlar::server {

class OomScore {
 public:
  enum class Mode : std::uint8_t { kLeft, kRelative, kAbsolute };
  enum class Role : std::uint8_t { kPrimary, kReplica };
  struct Wish {
    Mode mode = Mode::kLeft;
    int primary = 0;  // -2000..2000
    int replica = 0;
  };
  /// `path`: the file of the system that holds the score of this process.
  explicit OomScore(FileSystem& files, std::string path = "/proc/self/oom_score_adj")
      : files_(files), path_(std::move(path)) {}

  /// Sets the score. The one found at first is the base of relative values, and comes back with kLeft. Errors: the
  /// system refuses it; the former score stays.
  [[nodiscard]] Result<void> apply(const Wish& wish, Role role);

 private:
  [[nodiscard]] Result<int> read();
  [[nodiscard]] Result<void> write(int score);

  FileSystem& files_;
  std::string path_;
  Mutex mutex_;
  std::optional<int> base_ ASH_GUARDED_BY(mutex_);  // while the score is ours
};

/// The wish as CONFIG GET prints both directives ("relative" or "yes", "0 200 800").
[[nodiscard]] OomScore::Wish oom_wish(std::string_view mode, std::string_view values);

}  // namespace ashlar::server
