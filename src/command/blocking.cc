#include "command/blocking.h"

#include <algorithm>
#include <cmath>

#include "base/bytes.h"

namespace ashlar::command {
namespace {

constexpr std::string_view kNegative = "timeout is negative";
constexpr std::string_view kTooFar = "timeout is out of range";
/// Redis adds the wait to the present time in milliseconds and refuses what overflows; the present is about 1.8e12.
constexpr std::int64_t kFarthestMs = INT64_MAX - 1'800'000'000'000;
/// Longer waits than this do not fit behind any present time in microseconds; about 140,000 years.
constexpr std::int64_t kLongestMs = INT64_MAX / 2000;

}  // namespace

Result<BlockTimeout> parse_timeout(std::string_view text, TimeoutUnit unit) {
  std::int64_t ms = 0;
  if (unit == TimeoutUnit::kSeconds) {
    const auto seconds = parse_double(text);
    if (!seconds || std::isnan(*seconds)) return fail("timeout is not a float or out of range");
    const double wanted = *seconds * 1000;
    if (wanted > 9.2233720368547758e18) return fail(std::string(kTooFar));
    if (wanted < 0) return fail(std::string(kNegative));
    ms = wanted >= 9.2233720368547e18 ? INT64_MAX : static_cast<std::int64_t>(std::ceil(wanted));
  } else {
    const auto whole = parse_i64(text);
    if (!whole) return fail("timeout is not an integer or out of range");
    if (*whole < 0) return fail(std::string(kNegative));
    ms = *whole;
  }
  if (ms > kFarthestMs) return fail(std::string(kTooFar));
  if (ms == 0) return std::nullopt;
  return Millis(std::min(ms, kLongestMs));
}

}  // namespace ashlar::command
