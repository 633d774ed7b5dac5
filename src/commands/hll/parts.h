/// What the source files of this folder share. Thread: the loop that runs the command.
#pragma once

#include <optional>
#include <string>

#include "command/context.h"
#include "command/table.h"
#include "ds/hyperloglog.h"

namespace ashlar::commands {

void register_hll_count(command::CommandTable& table);
void register_hll_debug(command::CommandTable& table);

/// The value at a key, if there is one. `bytes` lives until the key changes.
struct HllValue {
  std::string_view bytes;  // well-formed; empty when there is no such key
  ds::hll::Encoding encoding = ds::hll::Encoding::kSparse;
  [[nodiscard]] bool missing() const noexcept { return bytes.empty(); }
};
/// nullopt after an error reply: another type, no HyperLogLog, a damaged one.
[[nodiscard]] std::optional<HllValue> find_hll(command::Context& ctx, const keyspace::KeyRef& key,
                                               keyspace::Access access);
/// Puts a whole value in place of that at the key; its expiry stays.
void store_hll(command::Context& ctx, const keyspace::KeyRef& key, std::string_view bytes);

}  // namespace ashlar::commands
