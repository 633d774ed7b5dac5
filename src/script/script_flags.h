/// The flags of scripts and functions ("#!lua flags=no-writes,..."), and the line they stand in. Pure. Thread: any.
/// Source: "Redis Lua API reference", script flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar::script {

enum class ScriptFlag : std::uint8_t {
  kNone = 0,
  kNoWrites = 1 << 0,
  kAllowOom = 1 << 1,
  kAllowStale = 1 << 2,
  kNoCluster = 1 << 3,
  kAllowCrossSlotKeys = 1 << 4,
  /// Not a flag of users: a script without "#!" line, for which the rules of before Redis 7 hold.
  kCompatible = 1 << 5,
};
[[nodiscard]] constexpr ScriptFlag operator|(ScriptFlag a, ScriptFlag b) noexcept {
  return static_cast<ScriptFlag>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
[[nodiscard]] constexpr bool has(ScriptFlag set, ScriptFlag flag) noexcept {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(flag)) != 0;
}

/// "no-writes", ...; nullopt for kNone, kCompatible and unknown ones.
[[nodiscard]] std::string_view flag_name(ScriptFlag flag) noexcept;
/// Errors: none; an unknown name gives kNone.
[[nodiscard]] ScriptFlag flag_named(std::string_view name) noexcept;
/// The flags that users may name, in the order in which they are listed.
inline constexpr ScriptFlag kUserFlags[] = {ScriptFlag::kNoWrites, ScriptFlag::kAllowOom, ScriptFlag::kAllowStale,
                                            ScriptFlag::kNoCluster, ScriptFlag::kAllowCrossSlotKeys};

/// The first line of a script and what is left to compile.
struct Shebang {
  std::string engine;
  std::string name;  // of a library; empty when not given
  ScriptFlag flags = ScriptFlag::kNone;
  std::string_view body;  // part of the text, from the end of the first line on, so that line numbers stay
};
/// For EVAL: no "#!" means engine "lua" and kCompatible. Errors: their text goes to the client.
[[nodiscard]] Result<Shebang> read_script_shebang(std::string_view text);
/// For FUNCTION LOAD: the line must be there and name the library.
[[nodiscard]] Result<Shebang> read_library_shebang(std::string_view text);

}  // namespace ashlar::script
