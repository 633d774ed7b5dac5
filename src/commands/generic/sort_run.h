/// What SORT does once its options are read: load, compare, look up patterns. Replies nothing.
/// Thread: the loop that runs the command; the slots of all keys that patterns may name are locked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "command/context.h"

namespace ashlar::commands {

/// The options of SORT and SORT_RO.
struct SortOptions {
  enum class Order : std::uint8_t { kAscending, kDescending };
  enum class Compare : std::uint8_t { kNumbers, kTexts };

  Order order = Order::kAscending;
  Compare compare = Compare::kNumbers;
  bool sorted = true;                  // false: BY without '*' asks for the order in which elements are kept
  std::optional<std::string_view> by;  // a pattern with '*'
  std::vector<std::string_view> gets;
  std::int64_t offset = 0;
  std::int64_t count = -1;  // negative: all
  bool stores = false;
};

/// One field of the result; nullopt where a pattern named nothing.
using SortedField = std::optional<std::string>;

/// The fields to return, `gets.size()` for each element (one without GET). `entry` is what to sort, or nullptr.
/// Errors: kWrongType; a value to compare that is no number. Cost: O(N + M log M), and a lookup for each pattern.
[[nodiscard]] Result<std::vector<SortedField>> run_sort(command::Context& ctx, const command::Entry* entry,
                                                        const SortOptions& options);

}  // namespace ashlar::commands
