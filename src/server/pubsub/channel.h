/// The three kinds of things one can subscribe to. Thread: values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace ashlar::server::pubsub {

enum class Kind : std::uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr std::size_t kKinds = 3;

/// Lookup by string_view.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept { return std::hash<std::string_view>()(name); }
};
template <typename T>
using ByName = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;
using Names = std::unordered_set<std::string, NameHash, std::equal_to<>>;

}  // namespace ashlar::server::pubsub
