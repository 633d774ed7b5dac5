#include "snapshot/rdb_encode.h"

#include <liblzf/lzf.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {
namespace {

void append_byte(std::string& out, std::uint8_t byte) { out.push_back(static_cast<char>(byte)); }

template <std::unsigned_integral T>
void append_le(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_le(bytes, value);
  out.append(bytes, sizeof bytes);
}

template <std::unsigned_integral T>
void append_be(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_be(bytes, value);
  out.append(bytes, sizeof bytes);
}

/// False when `value` needs more than 32 bits.
bool append_special_integer(std::string& out, std::int64_t value) {
  if (value >= std::numeric_limits<std::int8_t>::min() && value <= std::numeric_limits<std::int8_t>::max()) {
    append_byte(out, kSpecial | kInt8);
    append_byte(out, static_cast<std::uint8_t>(value));
  } else if (value >= std::numeric_limits<std::int16_t>::min() && value <= std::numeric_limits<std::int16_t>::max()) {
    append_byte(out, kSpecial | kInt16);
    append_le(out, static_cast<std::uint16_t>(value));
  } else if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max()) {
    append_byte(out, kSpecial | kInt32);
    append_le(out, static_cast<std::uint32_t>(value));
  } else {
    return false;
  }
  return true;
}

void append_plain(std::string& out, std::string_view text) {
  append_length(out, text.size());
  out += text;
}

/// False when compression would not make it smaller.
bool append_compressed(std::string& out, std::string_view text) {
  constexpr std::size_t kGain = 4;  // the header of the compressed form
  if (text.size() <= kGain || text.size() > std::numeric_limits<unsigned>::max()) return false;
  std::string packed(text.size() - kGain, '\0');
  const unsigned n = ::lzf_compress(text.data(), static_cast<unsigned>(text.size()), packed.data(),
                                    static_cast<unsigned>(packed.size()));
  if (n == 0) return false;
  append_byte(out, kSpecial | kLzf);
  append_length(out, n);
  append_length(out, text.size());
  out.append(packed.data(), n);
  return true;
}

bool worth_compressing(std::string_view text, Compression compression) noexcept {
  return compression == Compression::kLzf && text.size() > kCompressAbove;
}

}  // namespace

void append_length(std::string& out, std::uint64_t length) {
  if (length < 1 << 6) {
    append_byte(out, static_cast<std::uint8_t>(kLen6 | length));
  } else if (length < 1 << 14) {
    append_byte(out, static_cast<std::uint8_t>(kLen14 | length >> 8));
    append_byte(out, static_cast<std::uint8_t>(length));
  } else if (length <= std::numeric_limits<std::uint32_t>::max()) {
    append_byte(out, kLen32);
    append_be(out, static_cast<std::uint32_t>(length));
  } else {
    append_byte(out, kLen64);
    append_be(out, length);
  }
}

void append_string(std::string& out, std::string_view text, Compression compression) {
  constexpr std::size_t kMaxIntegerDigits = 11;  // "-2147483648"
  if (text.size() <= kMaxIntegerDigits) {
    const auto number = parse_i64(text);
    if (number && append_special_integer(out, *number)) return;
  }
  if (worth_compressing(text, compression) && append_compressed(out, text)) return;
  append_plain(out, text);
}

void append_integer(std::string& out, std::int64_t value) {
  if (append_special_integer(out, value)) return;
  DecimalBuffer buffer;
  append_plain(out, format_i64(value, buffer));
}

void append_element(Chunk& out, std::string_view text, Compression compression) {
  if (worth_compressing(text, compression)) {
    out.deferred.push_back({out.bytes.size(), text.size()});
    out.bytes += text;
  } else {
    append_string(out.bytes, text, Compression::kNone);
  }
}

namespace {

/// A string value; what is worth compressing is deferred.
void append_string_value(Chunk& out, const keyspace::Entry& entry, Compression compression) {
  if (entry.is_int()) {
    append_integer(out.bytes, entry.int_value());
    return;
  }
  DecimalBuffer buffer;
  append_element(out, entry.text(buffer), compression);
}

}  // namespace

std::uint8_t type_of(const keyspace::Entry& entry) noexcept {
  using keyspace::Type;
  switch (entry.type()) {
    case Type::kString: return kTypeString;
    case Type::kList: return list_type(*entry.collection<keyspace::List>());
    case Type::kSet: return set_type(*entry.collection<keyspace::Set>());
    case Type::kSortedSet: return sorted_set_type(*entry.collection<keyspace::SortedSet>());
    case Type::kHash: return hash_type(*entry.collection<keyspace::Hash>());
    case Type::kStream: return stream_type(*entry.collection<keyspace::Stream>());
  }
  __builtin_unreachable();
}

void append_value(Chunk& out, const keyspace::Entry& entry, Compression compression) {
  using keyspace::Type;
  switch (entry.type()) {
    case Type::kString: return append_string_value(out, entry, compression);
    case Type::kList: return append_list(out, *entry.collection<keyspace::List>(), compression);
    case Type::kSet: return append_set(out, *entry.collection<keyspace::Set>(), compression);
    case Type::kSortedSet: return append_sorted_set(out, *entry.collection<keyspace::SortedSet>(), compression);
    case Type::kHash: return append_hash(out, *entry.collection<keyspace::Hash>(), compression);
    case Type::kStream: return append_stream(out, *entry.collection<keyspace::Stream>(), compression);
  }
}

void append_select_db(std::string& out, std::uint32_t db) {
  append_byte(out, kOpSelectDb);
  append_length(out, db);
}

ClockFields clock_fields(keyspace::EvictionPolicy policy, const keyspace::LfuSettings& lfu, WallTime now) {
  using keyspace::EvictionPolicy;
  ClockFields fields{.now = now, .lfu = lfu};
  if (keyspace::uses_lfu(policy)) {
    fields.kind = ClockFields::Kind::kFreq;
  } else if (policy == EvictionPolicy::kAllKeysLru || policy == EvictionPolicy::kVolatileLru) {
    fields.kind = ClockFields::Kind::kIdle;
  }
  return fields;
}

namespace {

void append_clock(std::string& out, const keyspace::Entry& entry, const ClockFields& clock) {
  switch (clock.kind) {
    case ClockFields::Kind::kNone: break;
    case ClockFields::Kind::kIdle: {
      const auto idle = keyspace::lru_idle(entry.clock(), clock.now).count();
      append_byte(out, kOpIdle);
      append_length(out, static_cast<std::uint64_t>(std::max<std::int64_t>(idle, 0)));
      break;
    }
    case ClockFields::Kind::kFreq:
      append_byte(out, kOpFreq);
      append_byte(out, keyspace::lfu_count(entry.clock(), clock.now, clock.lfu));
      break;
  }
}

/// What stands before the value.
void append_head(Chunk& out, const keyspace::Entry& entry, const ClockFields& clock, Compression compression) {
  if (entry.has_expiry()) {
    append_byte(out.bytes, kOpExpireMs);
    append_le(out.bytes, static_cast<std::uint64_t>(entry.expiry_ms()));
  }
  append_clock(out.bytes, entry, clock);
  const std::uint8_t type = type_of(entry);
  out.version = std::max(out.version, version_of_type(type));
  append_byte(out.bytes, type);
  // Keys are short and looked at one by one when loading: not worth deferring, so compressed here only when long.
  append_string(out.bytes, entry.key(), entry.key().size() > 256 ? compression : Compression::kNone);
}

class RecordPieces final : public EntryPieces {
 public:
  RecordPieces(const keyspace::Entry& entry, const ClockFields& clock, Compression compression,
               std::unique_ptr<EntryPieces> value) noexcept
      : entry_(entry), clock_(clock), compression_(compression), value_(std::move(value)) {}
  Left next(Chunk& out, std::size_t end) override {
    if (!begun_) append_head(out, entry_, clock_, compression_);
    begun_ = true;
    const Left left = value_->next(out, end);
    if (left == Left::kNothing) ++out.keys;
    return left;
  }

 private:
  const keyspace::Entry& entry_;
  ClockFields clock_;
  Compression compression_;
  bool begun_ = false;
  std::unique_ptr<EntryPieces> value_;
};

std::unique_ptr<EntryPieces> value_pieces(const keyspace::Entry& entry, Compression compression) {
  using keyspace::Type;
  switch (entry.type()) {
    case Type::kString: return nullptr;
    case Type::kList: return list_pieces(*entry.collection<keyspace::List>(), compression);
    case Type::kSet: return set_pieces(*entry.collection<keyspace::Set>(), compression);
    case Type::kSortedSet: return sorted_set_pieces(*entry.collection<keyspace::SortedSet>(), compression);
    case Type::kHash: return hash_pieces(*entry.collection<keyspace::Hash>(), compression);
    case Type::kStream: return stream_pieces(*entry.collection<keyspace::Stream>(), compression);
  }
  __builtin_unreachable();
}

}  // namespace

void append_entry(Chunk& out, const keyspace::Entry& entry, const ClockFields& clock, Compression compression) {
  append_head(out, entry, clock, compression);
  append_value(out, entry, compression);
  ++out.keys;
}

std::unique_ptr<EntryPieces> entry_pieces(const keyspace::Entry& entry, const ClockFields& clock,
                                          Compression compression) {
  if (!is_huge(entry)) return nullptr;
  return std::make_unique<RecordPieces>(entry, clock, compression, value_pieces(entry, compression));
}

void pack(const Chunk& chunk, Compression compression, std::string& out) {
  const std::string_view bytes = chunk.bytes;
  std::size_t from = 0;
  for (const Chunk::Deferred& d : chunk.deferred) {
    out += bytes.substr(from, d.at - from);
    append_string(out, bytes.substr(d.at, d.size), compression);
    from = d.at + d.size;
  }
  out += bytes.substr(from);
}

}  // namespace ashlar::snapshot::rdb
