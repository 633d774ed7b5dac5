/// From entries to RDB bytes: lengths, strings, values, whole records. Pure appending; nothing fails.
/// Thread: any. Source: docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "keyspace/access_clock.h"
#include "keyspace/entry.h"
#include "snapshot/chunk.h"
#include "snapshot/entry_pieces.h"

namespace ashlar::snapshot {

/// `rdbcompression`.
enum class Compression : std::uint8_t { kNone, kLzf };
/// `rdbchecksum`.
enum class Checksum : std::uint8_t { kNone, kCrc64 };

namespace rdb {

/// A length in its shortest form: 1, 2, 5 or 9 bytes.
void append_length(std::string& out, std::uint64_t length);
/// A string inside a value: like append_string(), but what is worth compressing is deferred to pack().
void append_element(Chunk& out, std::string_view text, Compression compression);
/// A string in its shortest form: integer, LZF (longer than 20 bytes and only if it gains) or plain.
void append_string(std::string& out, std::string_view text, Compression compression);
/// The string form of a number: 2 to 5 bytes within 32 bits, its digits beyond.
void append_integer(std::string& out, std::int64_t value);

/// The type code under which the value of `entry` is written.
[[nodiscard]] std::uint8_t type_of(const keyspace::Entry& entry) noexcept;
/// The value of `entry`, without type code. Compressible strings are deferred.
void append_value(Chunk& out, const keyspace::Entry& entry, Compression compression);

void append_select_db(std::string& out, std::uint32_t db);

/// What a record says of the access clock.
struct ClockFields {
  enum class Kind : std::uint8_t { kNone, kIdle, kFreq };
  Kind kind = Kind::kNone;
  WallTime now;
  keyspace::LfuSettings lfu;
};
/// kIdle for LRU policies, kFreq for LFU policies, else kNone: as Redis writes them.
[[nodiscard]] ClockFields clock_fields(keyspace::EvictionPolicy policy, const keyspace::LfuSettings& lfu, WallTime now);

/// A whole record: expiry, clock, type, key, value.
void append_entry(Chunk& out, const keyspace::Entry& entry, const ClockFields& clock, Compression compression);

/// The same record in pieces; null when it is_huge() not.
[[nodiscard]] std::unique_ptr<EntryPieces> entry_pieces(const keyspace::Entry& entry, const ClockFields& clock,
                                                        Compression compression);

/// Appends `chunk` to `out` with its deferred strings compressed. Call without locks.
void pack(const Chunk& chunk, Compression compression, std::string& out);

}  // namespace rdb
}  // namespace ashlar::snapshot
