/// Small things that several modes share. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/modes/modes.h"

namespace ashlar::cli {

/// Sleeps; a signal ends the pause early.
void pause_for(Micros duration);

struct Answer {
  resp::Value reply;
  Micros took;  // the successful try alone
};

/// Asks a server that may be away for a while: connects again, with pauses, as long as it takes, and shows that.
/// Errors: kProtocol - what answers is no such server.
[[nodiscard]] Result<Answer> ask_patiently(const ModeContext& context, Words words);

/// Prints and flushes.
void say(std::FILE* file, std::string_view text);

/// Runs through the keys with SCAN, with the pattern and count of the options.
class KeyWalk {
 public:
  explicit KeyWalk(const ModeContext& context) : context_(context) {}
  /// The next batch of keys, which may be empty; nullopt: no more, or failed().
  [[nodiscard]] std::optional<std::vector<std::string>> next();
  /// True after an error, which the user was told unless he wanted it: an interrupted wait.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  const ModeContext& context_;
  std::string cursor_ = "0";
  bool begun_ = false;
  bool failed_ = false;
};

/// DBSIZE; nullopt after an error, which the user was told.
[[nodiscard]] std::optional<std::uint64_t> database_size(const ModeContext& context);

/// Sends all `commands` at once and gives as many replies, which may be errors; nullopt: the connection broke, the user
/// was told unless he interrupted it.
[[nodiscard]] std::optional<std::vector<resp::Value>> call_all(const ModeContext& context,
                                                               const std::vector<std::vector<std::string>>& commands);

}  // namespace ashlar::cli
