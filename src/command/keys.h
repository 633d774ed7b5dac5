/// Finds the keys of a command from its spec; the one place that knows how. Pure. Thread: any.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "command/spec.h"

namespace ashlar::command {

/// What has a hash slot: keys, and beside them the shard channels of SSUBSCRIBE and SPUBLISH, which are no keys.
enum class NamesWithSlots : std::uint8_t { kKeys, kKeysAndShardChannels };

/// Positions of all keys in `args` (args[0] is the name), in the order of the specs. `out` is cleared first. `args` may
/// break the arity and every other rule: positions always name existing arguments. False when a key count in the
/// arguments is not a number or exceeds them ("Number of keys can't be ..." is the handler's).
bool find_keys(const CommandSpec& spec, std::span<const std::string_view> args, std::vector<KeyPosition>& out,
               NamesWithSlots which = NamesWithSlots::kKeys);

/// The first/last/step triple of COMMAND INFO; zeros when there are no keys at fixed places.
struct LegacyRange {
  int first = 0;
  int last = 0;
  int step = 0;
};
[[nodiscard]] LegacyRange legacy_range(const CommandSpec& spec) noexcept;

}  // namespace ashlar::command
