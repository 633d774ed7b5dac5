/// What only scripts ask of those who run their commands, beside command/inner_calls.h. Thread: the one that runs the
/// command.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ids.h"

namespace ashlar::command {

/// Where the effects of a script's commands go: redis.set_repl(). The values are those of its REPL_ constants.
enum class Recipients : std::uint8_t { kNobody = 0, kFile = 1, kReplicas = 2, kAll = 3 };

class ScriptCalls {
 public:
  virtual ~ScriptCalls() = default;

  /// From now on the effects of the present group's commands go there only. Whoever changes it sets it back to kAll.
  virtual void record_for(Recipients recipients) = 0;
  /// Whether the present group's commands are refused without memory. Whoever changes it sets it back to kAsked.
  enum class Memory : std::uint8_t { kAsked, kNotAsked };
  virtual void ask_for_memory(Memory memory) = 0;
  /// Whether the present group's commands may touch keys of several slots. kOne: of `slot`, or without it of that which
  /// is touched first. Whoever changes it sets it back to kAny.
  enum class Slots : std::uint8_t { kAny, kOne };
  virtual void keep_to(Slots slots, std::optional<SlotId> slot) = 0;
  /// The error that the command around the present group replies is one of a command inside, which was counted then.
  virtual void error_is_counted() = 0;
  /// Nothing that the present group has changed is recorded: the server ends in the middle of it.
  virtual void drop_effects() = 0;
};

}  // namespace ashlar::command
