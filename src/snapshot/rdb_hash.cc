#include <algorithm>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "ds/listpack.h"
#include "keyspace/values/hash.h"
#include "snapshot/rdb_values.h"
#include "snapshot/ziplist.h"

namespace ashlar::snapshot::rdb {

using keyspace::Hash;
using keyspace::HashItem;
using keyspace::LookupText;
using keyspace::Owned;

namespace {

// Frozen: see rdb_format.h.
constexpr std::uint8_t kPairs = 4;
constexpr std::uint8_t kZipmap = 9;
constexpr std::uint8_t kZiplist = 13;
constexpr std::uint8_t kListpack = 16;
constexpr std::uint8_t kExpiringPairsPreGa = 22;  // Redis 7.4: expiries of fields
constexpr std::uint8_t kExpiringListpackPreGa = 23;
constexpr std::uint8_t kExpiringPairs = 24;
constexpr std::uint8_t kExpiringListpack = 25;
constexpr std::uint8_t kValkeyExpiringPairs = 22;  // of the Valkey dialect: Valkey 9

std::unexpected<Error> corrupt(const RdbInput& input, std::string_view what) {
  return RdbInput::corrupt(what, input.offset());
}

/// A hash that is being read, by the limits of this server.
class Builder {
 public:
  Builder(const RdbInput& input, std::uint64_t fields) : input_(input) {
    hash_->expect(fields, input.limits().encoding);
  }
  [[nodiscard]] Result<void> add(const LookupText& field, std::string_view value,
                                 std::int64_t expiry_ms = keyspace::kNoExpiryMs) {
    if (hash_->set(field, value, input_.limits().encoding, expiry_ms)) return {};
    return corrupt(input_, "a field of a hash twice");
  }
  [[nodiscard]] Owned<Hash> finish() { return std::move(hash_); }

 private:
  const RdbInput& input_;
  Owned<Hash> hash_{new Hash()};
};

Result<std::int64_t> read_millis(RdbInput& input) {
  char bytes[8];
  ASH_TRY_VOID(input.exact(bytes));
  return static_cast<std::int64_t>(load_le<std::uint64_t>(bytes));
}

/// The expiry that a stored number means; 0 stands for none. `base_ms` is what it counts from.
Result<std::int64_t> expiry_of(const RdbInput& input, std::uint64_t stored, std::int64_t base_ms) {
  if (stored == 0) return keyspace::kNoExpiryMs;
  std::int64_t ms = 0;
  if (stored >= static_cast<std::uint64_t>(keyspace::kNoExpiryMs) ||
      __builtin_add_overflow(static_cast<std::int64_t>(stored), base_ms, &ms)) {
    return corrupt(input, "an expiry of a field out of range");
  }
  return ms;
}

Result<Owned<Hash>> read_pairs(RdbInput& input) {
  ASH_TRY(const std::uint64_t count, input.length());
  Builder builder(input, count);
  std::string field;
  std::string value;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASH_TRY_VOID(input.string(field));
    ASH_TRY_VOID(input.string(value));
    ASH_TRY_VOID(builder.add(LookupText(field), value));
  }
  return builder.finish();
}

/// Expiry, field, value by turns. Expiries count from `base_ms`.
Result<Owned<Hash>> read_expiring_pairs(RdbInput& input, std::int64_t base_ms) {
  ASH_TRY(const std::uint64_t count, input.length());
  Builder builder(input, count);
  std::string field;
  std::string value;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASH_TRY(const std::uint64_t stored, input.length());
    ASH_TRY(const std::int64_t expiry_ms, expiry_of(input, stored, base_ms));
    ASH_TRY_VOID(input.string(field));
    ASH_TRY_VOID(input.string(value));
    ASH_TRY_VOID(builder.add(LookupText(field), value, expiry_ms));
  }
  return builder.finish();
}

/// Field, value, expiry by turns, as Valkey 9 writes them; expiries are absolute, -1 stands for none.
Result<Owned<Hash>> read_valkey_pairs(RdbInput& input) {
  ASH_TRY(const std::uint64_t count, input.length());
  Builder builder(input, count);
  std::string field;
  std::string value;
  for (std::uint64_t i = 0; i < count; ++i) {
    ASH_TRY_VOID(input.string(field));
    ASH_TRY_VOID(input.string(value));
    ASH_TRY(const std::int64_t stored, read_millis(input));
    if (stored < -1 || stored == keyspace::kNoExpiryMs) return corrupt(input, "an expiry of a field out of range");
    ASH_TRY_VOID(builder.add(LookupText(field), value, stored == -1 ? keyspace::kNoExpiryMs : stored));
  }
  return builder.finish();
}

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kCorrupt, std::string(what)); }

/// Field and value by turns, of an encoded block.
Result<Owned<Hash>> rebuilt(const RdbInput& input, const Result<ds::Listpack>& packed) {
  if (!packed) return std::unexpected(packed.error());
  if (packed->count() % 2 != 0) return wrong("a field without value");
  Builder builder(input, packed->count() / 2);
  const ds::ListpackView view = packed->view();
  for (auto at = view.begin(), end = view.end(); at != end; ++at) {
    const LookupText field(*at);
    DecimalBuffer digits;
    if (!builder.add(field, (*++at).text(digits))) return wrong("listpack with dup elements");
  }
  return builder.finish();
}

Result<Owned<Hash>> read_listpack(RdbInput& input) {
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  return intact(rebuilt(input, ds::Listpack::validated(blob)), "Hash listpack", at);
}

Result<Owned<Hash>> read_ziplist(RdbInput& input) {
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  return intact(rebuilt(input, listpack_of_ziplist(blob)), "Hash ziplist", at);
}

/// Field, value, expiry by turns, ordered by expiry; expiries are absolute.
Result<Owned<Hash>> rebuilt_expiring(const RdbInput& input, const Result<ds::Listpack>& packed) {
  if (!packed) return std::unexpected(packed.error());
  if (packed->count() % 3 != 0) return wrong("a field without value or expiry");
  Builder builder(input, packed->count() / 3);
  const ds::ListpackView view = packed->view();
  for (auto at = view.begin(), end = view.end(); at != end; ++at) {
    const LookupText field(*at);
    DecimalBuffer digits;
    const std::string value((*++at).text(digits));
    const ds::PackedValue stored = *++at;
    if (!stored.is_integer() || stored.integer() < 0) return wrong("an expiry of a field out of range");
    const auto expiry_ms = expiry_of(input, static_cast<std::uint64_t>(stored.integer()), 0);
    if (!expiry_ms) return wrong("an expiry of a field out of range");
    if (!builder.add(field, value, *expiry_ms)) return wrong("listpack with dup elements");
  }
  return builder.finish();
}

Result<Owned<Hash>> read_expiring_listpack(RdbInput& input) {
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  return intact(rebuilt_expiring(input, ds::Listpack::validated(blob)), "Hash listpack", at);
}

/// A zipmap, which Redis 2.4 and before wrote: | fields | length, field, length, unused, value, unused bytes | ... |
/// 255 |. Lengths are one byte up to 253, or 254 and four bytes.
class ZipmapReader {
 public:
  explicit ZipmapReader(std::string_view bytes) : rest_(bytes) { skip(1); }

  [[nodiscard]] bool at_end() const noexcept { return rest_ == "\xFF"; }
  [[nodiscard]] std::optional<std::string_view> field() { return take(length()); }
  [[nodiscard]] std::optional<std::string_view> value() {
    const auto size = length();
    if (!size || rest_.empty()) return std::nullopt;
    const auto unused = static_cast<std::uint8_t>(rest_[0]);
    skip(1);
    const auto value = take(size);
    if (!value || !take(unused)) return std::nullopt;
    return value;
  }

 private:
  void skip(std::size_t n) { rest_.remove_prefix(std::min(n, rest_.size())); }
  [[nodiscard]] std::optional<std::size_t> length() {
    constexpr std::uint8_t kFourBytes = 254;
    if (rest_.empty()) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(rest_[0]);
    if (first > kFourBytes) return std::nullopt;
    skip(1);
    if (first < kFourBytes) return first;
    if (rest_.size() < 4) return std::nullopt;
    const std::size_t size = load_le<std::uint32_t>(rest_.data());
    skip(4);
    return size;
  }
  [[nodiscard]] std::optional<std::string_view> take(std::optional<std::size_t> size) {
    if (!size || *size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, *size);
    skip(*size);
    return taken;
  }

  std::string_view rest_;
};

Result<Owned<Hash>> rebuilt_zipmap(const RdbInput& input, std::string_view blob) {
  Builder builder(input, 0);
  ZipmapReader reader(blob);
  while (!reader.at_end()) {
    const auto field = reader.field();
    const auto value = field ? reader.value() : std::nullopt;
    if (!value) return wrong("a length beyond the end");
    if (!builder.add(LookupText(*field), *value)) return wrong("a field twice");
  }
  auto hash = builder.finish();
  if (hash->empty()) return wrong("no field");  // Redis never made one, and refuses it unlike other empty keys
  return hash;
}

Result<Owned<Hash>> read_zipmap(RdbInput& input) {
  const std::uint64_t at = input.offset();
  std::string blob;
  ASH_TRY_VOID(input.string(blob));
  return intact(rebuilt_zipmap(input, blob), "Zipmap", at);
}

/// Fields one by one: of a hash that is not packed.
class HashPieces final : public EntryPieces {
 public:
  HashPieces(const Hash& hash, Compression compression) noexcept
      : hash_(hash), compression_(compression), first_ms_(hash.next_expiry_ms()) {}
  Left next(Chunk& out, std::size_t end) override {
    if (!begun_) append_head(out.bytes);
    begun_ = true;
    do {
      position_ =
          hash_.scan(position_, kScanStep, keyspace::kAllFields, [&](const HashItem& item) { append(out, item); });
    } while (position_ != 0 && out.bytes.size() < end);
    return position_ == 0 ? Left::kNothing : Left::kMore;
  }

 private:
  [[nodiscard]] bool expiring() const noexcept { return first_ms_ != keyspace::kNoExpiryMs; }
  void append_head(std::string& out) const {
    if (expiring()) {
      char bytes[8];
      store_le(bytes, static_cast<std::uint64_t>(first_ms_));
      out.append(bytes, sizeof bytes);
    }
    append_length(out, hash_.size());
  }
  void append(Chunk& out, const HashItem& item) const {
    if (expiring()) {  // counted from the first expiry, plus one: 0 stands for none
      const bool has = item.expiry_ms != keyspace::kNoExpiryMs;
      append_length(out.bytes, has ? static_cast<std::uint64_t>(item.expiry_ms - first_ms_) + 1 : 0);
    }
    append_element(out, item.field.bytes(), compression_);
    append_element(out, item.value.bytes(), compression_);
  }

  const Hash& hash_;
  Compression compression_;
  std::int64_t first_ms_;
  bool begun_ = false;
  std::uint64_t position_ = 0;
};

}  // namespace

std::uint8_t hash_type(const Hash& value) noexcept {
  if (value.packed()) return kListpack;
  return value.next_expiry_ms() == keyspace::kNoExpiryMs ? kPairs : kExpiringPairs;
}

bool reads_hash(std::uint8_t type) noexcept {
  return type == kPairs || type == kZipmap || type == kZiplist || type == kListpack ||
         (type >= kExpiringPairsPreGa && type <= kExpiringListpack);
}

void append_hash(Chunk& out, const Hash& value, Compression compression) {
  if (value.packed()) {
    std::string listpack;
    value.append_listpack(listpack);
    return append_element(out, listpack, compression);
  }
  (void)HashPieces(value, compression).next(out, EntryPieces::kNoEnd);
}

std::unique_ptr<EntryPieces> hash_pieces(const Hash& value, Compression compression) {
  return std::make_unique<HashPieces>(value, compression);
}

Result<Owned<Hash>> read_hash(RdbInput& input, std::uint8_t type) {
  if (input.dialect() == RdbDialect::kValkey && type == kValkeyExpiringPairs) return read_valkey_pairs(input);
  switch (type) {
    case kPairs: return read_pairs(input);
    case kZipmap: return read_zipmap(input);
    case kZiplist: return read_ziplist(input);
    case kListpack: return read_listpack(input);
    case kExpiringPairsPreGa: return read_expiring_pairs(input, 0);
    case kExpiringPairs: {
      ASH_TRY(const std::int64_t first_ms, read_millis(input));
      if (first_ms <= 0) return corrupt(input, "an expiry of a field out of range");
      return read_expiring_pairs(input, first_ms - 1);
    }
    case kExpiringListpack: {
      // The first expiry, which the list tells as well.
      if (const auto first_ms = read_millis(input); !first_ms) return std::unexpected(first_ms.error());
      return read_expiring_listpack(input);
    }
    default: return read_expiring_listpack(input);
  }
}

}  // namespace ashlar::snapshot::rdb
