/// Time arguments of commands (EX, PXAT, EXPIRE ...) as absolute expiries. Pure; every step is checked for overflow.
/// Thread: any. Source: the behaviour of SET and EXPIRE in Redis 7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "command/spec.h"

namespace ashlar::commands {

enum class TimeUnit : std::uint8_t { kSeconds, kMillis };
enum class TimeBase : std::uint8_t { kFromNow, kUnixEpoch };

/// How a command counts time: EX is seconds from now, PXAT milliseconds since the epoch.
struct TimeForm {
  TimeUnit unit = TimeUnit::kSeconds;
  TimeBase base = TimeBase::kFromNow;
  constexpr bool operator==(const TimeForm&) const noexcept = default;
};

/// An expiry for the key space. Milliseconds that WallTime cannot hold (beyond the year 294000, either way) become its
/// last or first moment: as expiries they mean "never" and "long ago" all the same.
[[nodiscard]] WallTime expiry_at(std::int64_t unix_ms) noexcept;
/// Decimal Unix milliseconds of an expiry, for the change log.
[[nodiscard]] std::string millis_text(WallTime at);

/// "ERR invalid expire time in 'set' command".
[[nodiscard]] Error invalid_expire_time(const command::CommandSpec& spec);

/// Unix milliseconds of a time argument; numbers of any sign. Errors: not an integer, invalid_expire_time on overflow.
[[nodiscard]] Result<std::int64_t> expire_millis(std::string_view text, TimeForm form, WallTime now,
                                                 const command::CommandSpec& spec);
/// The same where the number must be positive (SET, GETEX, SETEX): zero and less are invalid_expire_time too.
[[nodiscard]] Result<std::int64_t> positive_expire_millis(std::string_view text, TimeForm form, WallTime now,
                                                          const command::CommandSpec& spec);

}  // namespace ashlar::commands
