/// What the hash commands share: reaching the hash of the first key, replies, and the FIELDS clause.
/// Thread: registered by one, run by any.
#pragma once

#include <span>
#include <string_view>

#include "command/context.h"
#include "command/table.h"
#include "commands/shared/expire_time.h"
#include "keyspace/values/hash.h"

namespace ashlar::commands {

using keyspace::Hash;
using keyspace::HashItem;
using keyspace::LookupText;

void register_hash_edits(command::CommandTable& table);
void register_hash_reads(command::CommandTable& table);
void register_hash_counters(command::CommandTable& table);
void register_hash_random(command::CommandTable& table);
void register_hash_expiry(command::CommandTable& table);
void register_hash_expiring_access(command::CommandTable& table);

/// The hash of the first key for reading; nullptr when there is none. Read its fields from db.fields_from_ms() on.
[[nodiscard]] Result<const Hash*> read_hash(command::Context& ctx);
/// The same for changing; on a primary its expired fields are gone.
[[nodiscard]] Result<Hash*> edit_hash(command::Context& ctx);
/// edit_hash(), or a new one.
[[nodiscard]] Result<Hash*> edit_or_create_hash(command::Context& ctx);

inline void reply_packed(resp::Encoder& reply, const ds::PackedValue& value) {
  value.is_integer() ? reply.bulk_i64(value.integer()) : reply.bulk(value.bytes());
}

/// Expiry of a field as Unix milliseconds; 0 and more. Errors: as Redis words them, a time later than 46 bits hold
/// among them. What comes from a primary or a file may be any time. Source: HEXPIRE of Redis 7.4, HGETEX and HSETEX of
/// Redis 8.
[[nodiscard]] Result<std::int64_t> parse_field_expiry(const command::Context& ctx, std::string_view text,
                                                      TimeForm form);
/// Whether a field that gets this expiry is to be deleted at once.
[[nodiscard]] bool field_expiry_passed(const command::Context& ctx, std::int64_t at_ms);

/// Names behind "FIELDS numfields" at args[at], which must be all that is left. Errors as Redis words them.
[[nodiscard]] Result<std::span<const std::string_view>> parse_fields(std::span<const std::string_view> args,
                                                                     std::size_t at, std::string_view not_positive);
/// A record "name key [more ...] FIELDS n field ..." for the change log.
[[nodiscard]] command::Effects::Record fields_record(std::string_view name, std::string_view key,
                                                     std::span<const std::string_view> more,
                                                     std::span<const std::string_view> fields);

}  // namespace ashlar::commands
