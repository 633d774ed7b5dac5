/// The scripts that run now: how long, whether they may be killed, and whether they shall be.
/// Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "base/time.h"

namespace ashlar::script {

enum class Kind : std::uint8_t { kScript, kFunction };

/// One run. The runner writes, others read and may ask for its end.
struct RunningScript {
  Kind kind = Kind::kScript;
  std::string name;                  // SHA-1 or function
  std::vector<std::string> command;  // as the client sent it
  MonoTime started;
  std::atomic<bool> wrote{false};
  std::atomic<bool> unkillable{false};  // comes from our primary
  std::atomic<bool> overdue{false};     // runs for longer than busy-reply-threshold
  std::atomic<bool> killed{false};
  std::atomic<bool> abandoned{false};  // killed, and nothing of it is to be recorded
};

class RunningScripts {
 public:
  void add(std::shared_ptr<RunningScript> script);
  enum class Left : std::uint8_t { kNoOverdue, kOthers };
  /// kNoOverdue: it was the last one that was overdue.
  Left remove(const RunningScript& script);
  /// The one that runs for longest; empty when none runs.
  [[nodiscard]] std::shared_ptr<RunningScript> oldest() const;
  /// What a client is told that may not run its command meanwhile: a whole error line, without its minus.
  [[nodiscard]] std::string_view busy_text() const;
  [[nodiscard]] bool any_overdue() const noexcept { return overdue_.load(std::memory_order_relaxed) > 0; }
  void abandon_all();
  void mark_overdue(RunningScript& script) noexcept;

 private:
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<RunningScript>> running_ ASH_GUARDED_BY(mutex_);
  std::atomic<int> overdue_{0};
};

}  // namespace ashlar::script
