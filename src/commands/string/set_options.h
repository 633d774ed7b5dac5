/// The options of SET and GETEX. Pure. Thread: any. Source: the grammar of SET and GETEX in Redis 7, IFEQ of
/// Valkey 8.1.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "command/arg_parser.h"
#include "commands/shared/expire_time.h"

namespace ashlar::commands {

/// What shall become of the expiry.
struct ExpiryOption {
  enum class Kind : std::uint8_t {
    kNone,     // nothing was said
    kTime,     // EX, PX, EXAT, PXAT
    kKeep,     // KEEPTTL
    kPersist,  // PERSIST
  };
  Kind kind = Kind::kNone;
  TimeForm form = {};
  std::string_view time = {};  // the number, unread; views the arguments
};

/// The condition under which SET sets.
enum class SetCondition : std::uint8_t { kAlways, kIfMissing, kIfPresent, kIfEqual };

struct SetOptions {
  ExpiryOption expiry;
  SetCondition condition = SetCondition::kAlways;
  std::string_view comparison = {};  // kIfEqual: what the old value must be; views the arguments
  bool reply_old_value = false;
};

/// The options that follow `SET key value`. A word may be repeated, contradictory ones are a syntax error.
[[nodiscard]] Result<SetOptions> parse_set_options(std::span<const std::string_view> args);
/// The options that follow `GETEX key`.
[[nodiscard]] Result<ExpiryOption> parse_getex_options(std::span<const std::string_view> args);

}  // namespace ashlar::commands
