#include "commands/shared/expire_time.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"

namespace ashlar::commands {
namespace {

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMinInt = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMicrosPerMilli = 1000;
constexpr std::int64_t kMillisPerSecond = 1000;

Result<std::int64_t> to_unix_millis(std::int64_t value, TimeForm form, WallTime now, const command::CommandSpec& spec) {
  if (form.unit == TimeUnit::kSeconds) {
    if (value > kMaxInt / kMillisPerSecond || value < kMinInt / kMillisPerSecond) {
      return std::unexpected(invalid_expire_time(spec));
    }
    value *= kMillisPerSecond;
  }
  if (form.base == TimeBase::kUnixEpoch) return value;
  const std::int64_t base = unix_millis(now);
  if (value > kMaxInt - base) return std::unexpected(invalid_expire_time(spec));
  return value + base;
}

}  // namespace

WallTime expiry_at(std::int64_t unix_ms) noexcept {
  return wall_from_unix_millis(std::clamp(unix_ms, kMinInt / kMicrosPerMilli, kMaxInt / kMicrosPerMilli));
}

std::string millis_text(WallTime at) {
  DecimalBuffer buffer;
  return std::string(format_i64(unix_millis(at), buffer));
}

Error invalid_expire_time(const command::CommandSpec& spec) {
  std::string text = "invalid expire time in '";
  text += spec.name;
  text += "' command";
  return {ErrorCode::kGeneric, std::move(text)};
}

Result<std::int64_t> expire_millis(std::string_view text, TimeForm form, WallTime now,
                                   const command::CommandSpec& spec) {
  const auto value = parse_i64(text);
  if (!value) return fail(ErrorCode::kNotInteger);
  return to_unix_millis(*value, form, now, spec);
}

Result<std::int64_t> positive_expire_millis(std::string_view text, TimeForm form, WallTime now,
                                            const command::CommandSpec& spec) {
  const auto value = parse_i64(text);
  if (!value) return fail(ErrorCode::kNotInteger);
  if (*value <= 0) return std::unexpected(invalid_expire_time(spec));
  return to_unix_millis(*value, form, now, spec);
}

}  // namespace ashlar::commands
