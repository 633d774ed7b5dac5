/// The words by which clients know flags, ACL categories and key flags of a command.
/// Pure. Thread: any. Source: COMMAND INFO, COMMAND GETKEYSANDFLAGS and ACL CAT of Redis 7.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "command/spec.h"

namespace ashlar::command {

/// Flags as COMMAND INFO lists them ("readonly", "fast", "movablekeys", ...), in its order.
[[nodiscard]] std::vector<std::string_view> flag_names(const CommandSpec& spec);

/// All ACL categories there are, without '@', in the order of ACL CAT.
[[nodiscard]] std::span<const std::string_view> all_category_names() noexcept;
/// Categories of a command without '@': those that follow from its flags and those it names itself.
[[nodiscard]] std::vector<std::string_view> category_names(const CommandSpec& spec);

/// "RO", "access", "variable_flags", ... of a key.
[[nodiscard]] std::vector<std::string_view> key_flag_names(KeyAccess access, KeyAction action);

/// True when the first/last/step triple does not tell all keys, so that clients must ask COMMAND GETKEYS.
[[nodiscard]] bool has_movable_keys(const CommandSpec& spec) noexcept;

}  // namespace ashlar::command
