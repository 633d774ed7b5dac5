/// Commands that wait for data: BLPOP and its like.
///
/// How a handler blocks:
///
///     void blpop(Context& ctx) {
///       const auto timeout = parse_timeout(ctx.args.back(), TimeoutUnit::kSeconds);
///       if (!timeout) return ctx.error(timeout.error());
///       ... serve the first key that has something, and return ...
///       if (!ctx.may_block()) return ctx.reply.null_array();
///       ctx.block({.keys = ctx.keys, .type = keyspace::Type::kList, .timeout = *timeout});
///     }
///
/// That is all. The command is kept, and the handler is run again from its beginning, with the slots of all its keys
/// locked, whenever one of `keys` has been changed and then holds a value of `type`. If it blocks again, it keeps its
/// place: the commands that wait for a key are tried in the order in which they came. When the time is up the client
/// gets a null array. The handler need not know whether it runs for the first time. Effects are recorded as in any
/// other run: BLPOP says `ctx.effects.instead({"LPOP", key})`.
///
/// An error that the command meets only when it runs again (a destination of the wrong type) ends the wait with it.
/// Thread: that of the command.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "keyspace/key_ref.h"
#include "keyspace/values/value.h"

namespace ashlar::command {

/// How long to wait; nullopt means for ever.
using BlockTimeout = std::optional<Millis>;

enum class TimeoutUnit : std::uint8_t {
  kSeconds,       // decimal fractions allowed: BLPOP
  kMilliseconds,  // whole: XREAD BLOCK
};

/// Errors: not a number ("timeout is not a float or out of range", "timeout is not an integer or out of range"),
/// negative, or beyond 2^63 milliseconds. Zero is for ever; fractions of a millisecond are rounded up.
[[nodiscard]] Result<BlockTimeout> parse_timeout(std::string_view text, TimeoutUnit unit);

/// Which changes of a key are worth running the command again.
enum class WakeOn : std::uint8_t {
  kValue,      // the key holds a value of the type
  kAnyChange,  // or it is gone, or of another type: XREADGROUP answers an error then
};

struct BlockRequest {
  /// Some or all of the command's keys.
  std::span<const keyspace::KeyRef> keys;
  keyspace::Type type;
  BlockTimeout timeout;
  WakeOn wake_on = WakeOn::kValue;
  /// What is to be run again, name first, when it is not the command as received (XREAD with its `$` resolved): same
  /// command, same keys. Empty: as received.
  std::vector<std::string> args = {};
};

/// Takes the request of a handler; the dispatcher's side.
class Blocker {
 public:
  virtual ~Blocker() = default;
  /// False inside MULTI and scripts, and in the streams of a primary or a file.
  [[nodiscard]] virtual bool may_block() const = 0;
  virtual void block(const BlockRequest& request) = 0;
};

}  // namespace ashlar::command
