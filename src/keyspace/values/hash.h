/// Fields with values, and a time to live of their own if given.
///
/// Few short fields are packed pairs; others, and any with an expiry, stand in a table. Packed pairs are what Redis
/// keeps as a listpack, and so they are called outside and saved. Encodings change as in Redis 7.2, by EncodingLimits,
/// and never back. A hash whose fields never had an expiry pays nothing for it. Thread: none of its own; reached only
/// under the slot's lock. Fields and values are given out as ds::PackedValue, an integer or bytes; they are valid until
/// the next change. Invariant: fields are distinct as texts.
/// Cost: table O(1); packed pairs O(n), n by the limits.
///
/// Whoever reads says from which moment on it looks: fields whose time is before are passed over. kAllFields sees all.
/// size() counts what is there, expired or not, as HLEN does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "ds/packed_pairs.h"
#include "keyspace/values/field_table.h"
#include "keyspace/values/limits.h"
#include "keyspace/values/lookup_text.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

/// Looks at fields from this moment on: sees even those whose time has come.
inline constexpr std::int64_t kAllFields = std::numeric_limits<std::int64_t>::min();

struct HashItem {
  ds::PackedValue field;
  ds::PackedValue value;
  std::int64_t expiry_ms = kNoExpiryMs;
};

class Hash {
 public:
  /// Empty, packed.
  Hash() = default;
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<Hash> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// Bytes of fields and values in its table; 0 while packed. O(1).
  [[nodiscard]] std::size_t record_bytes() const noexcept { return packed() ? 0 : table()->record_bytes(); }
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;

  /// Chooses the encoding when up to `fields` fields are about to be set.
  void expect(std::uint64_t fields, const EncodingLimits& limits);
  /// Sets a field; its expiry is gone or, if given, set. True when it is new.
  bool set(const LookupText& field, std::string_view value, const EncodingLimits& limits,
           std::int64_t expiry_ms = kNoExpiryMs);
  /// False when there is no such field.
  bool erase(const LookupText& field);
  [[nodiscard]] std::optional<HashItem> get(const LookupText& field, std::int64_t from_ms) const;
  /// Sets or, with kNoExpiryMs, removes the expiry of a field. False when there is no such field.
  bool set_expiry(const LookupText& field, std::int64_t expiry_ms);

  /// The earliest expiry of a field, or kNoExpiryMs.
  [[nodiscard]] std::int64_t next_expiry_ms() const noexcept {
    return packed() ? kNoExpiryMs : table()->next_expiry_ms();
  }
  /// Removes the field that expires first and returns its name; only when next_expiry_ms() names one.
  [[nodiscard]] std::string take_first_to_expire();
  /// Under which time the slot's agenda has this hash (keyspace/field_agenda.h), or kNoExpiryMs. Kept for Db.
  [[nodiscard]] std::int64_t agenda_ms() const noexcept;
  /// Only when a field has an expiry, or to forget the time.
  void set_agenda_ms(std::int64_t ms) noexcept;

  /// A visible field drawn at random; nullopt when there is none.
  [[nodiscard]] std::optional<HashItem> random(Rng& rng, std::int64_t from_ms) const;
  /// Calls visit(const HashItem&) for `count` visible fields drawn at random, any of which may come again; for none
  /// when none is visible. Cost: O(count), and once O(size()) if packed or if most fields have expired.
  template <typename Visit>
  void draw(std::uint64_t count, Rng& rng, std::int64_t from_ms, Visit&& visit) const;
  /// Calls visit(const HashItem&) for `count` different fields drawn at random, or for all if there are fewer.
  template <typename Visit>
  void sample(std::uint64_t count, Rng& rng, std::int64_t from_ms, Visit&& visit) const;
  /// How many fields are visible. O(1) unless some may have expired.
  [[nodiscard]] std::uint64_t visible(std::int64_t from_ms) const;
  /// Calls visit(const HashItem&) for every field.
  template <typename Visit>
  void for_each(std::int64_t from_ms, Visit&& visit) const;
  /// Calls visit(const HashItem&) for about `count` fields from `position` on (all of a small hash). Returns the next
  /// position, 0 at the end. A field that is there during a whole round is visited.
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t count, std::int64_t from_ms,
                                   Visit&& visit) const;

  /// Whether it is what Redis keeps as a listpack.
  [[nodiscard]] bool packed() const noexcept { return form_.pairs != kIsTable; }
  /// Only when packed(): appends the bytes of that listpack.
  void append_listpack(std::string& out) const { pairs().append_listpack(out); }
  void check_invariants() const;

 private:
  struct ExpiringTable : FieldTable {
    std::int64_t agenda_ms = kNoExpiryMs;
  };
  static constexpr std::uint32_t kIsTable = std::numeric_limits<std::uint32_t>::max();  // more pairs than there can be

  [[nodiscard]] static HashItem item_of(const FieldRecord& record) noexcept {
    return {ds::PackedValue(record.field()), ds::PackedValue(record.value()), record.expiry_ms()};
  }
  [[nodiscard]] static HashItem item_of(const ds::PackedPair& pair) noexcept {
    return {pair.name, pair.value, kNoExpiryMs};
  }
  /// Only when packed().
  [[nodiscard]] ds::PackedPairsView pairs() const noexcept { return ds::PackedPairsView(form_); }
  /// Only when not packed().
  [[nodiscard]] const ExpiringTable* table() const noexcept {
    return reinterpret_cast<const ExpiringTable*>(form_.bytes);
  }
  [[nodiscard]] ExpiringTable* table() noexcept { return reinterpret_cast<ExpiringTable*>(form_.bytes); }
  void become(std::unique_ptr<ExpiringTable> table) noexcept;
  void to_table();
  /// Only when not packed(): a visible record drawn at random; nullptr when a hundred draws gave none.
  [[nodiscard]] const FieldRecord* try_random(Rng& rng, std::int64_t from_ms) const;
  /// Only when packed(): calls change(ds::PackedPairs&).
  template <typename Change>
  void edit_pairs(Change&& change);
  bool set_packed(const LookupText& field, std::string_view value, const EncodingLimits& limits);

  // The pairs or, told by kIsTable, the address of the table: with a word that says which of them it is, a small hash
  // would take 16 bytes more.
  ds::PackedPairsBlock form_;
};
static_assert(sizeof(Hash) == 16);

template <typename Visit>
void Hash::for_each(std::int64_t from_ms, Visit&& visit) const {
  if (packed()) return pairs().for_each([&](const ds::PackedPair& pair) { visit(item_of(pair)); });
  table()->for_each([&](const FieldRecord& record) {
    if (record.expiry_ms() >= from_ms) visit(item_of(record));
  });
}

template <typename Visit>
std::uint64_t Hash::scan(std::uint64_t position, std::uint64_t count, std::int64_t from_ms, Visit&& visit) const {
  if (packed()) {
    for_each(from_ms, visit);
    return 0;
  }
  return table()->scan(position, count, [&](const FieldRecord& record) {
    if (record.expiry_ms() >= from_ms) visit(item_of(record));
  });
}

template <typename Visit>
void Hash::draw(std::uint64_t count, Rng& rng, std::int64_t from_ms, Visit&& visit) const {
  for (; count > 0 && !packed(); --count) {
    const FieldRecord* record = try_random(rng, from_ms);
    if (record == nullptr) break;
    visit(item_of(*record));
  }
  if (count == 0) return;
  std::vector<HashItem> visible_items;
  for_each(from_ms, [&](const HashItem& item) { visible_items.push_back(item); });
  if (visible_items.empty()) return;
  for (; count > 0; --count) visit(visible_items[rng.below(visible_items.size())]);
}

template <typename Visit>
void Hash::sample(std::uint64_t count, Rng& rng, std::int64_t from_ms, Visit&& visit) const {
  if (!packed() && count <= size() / 8 && next_expiry_ms() >= from_ms) {
    std::vector<const FieldRecord*> drawn;
    drawn.reserve(count);  // count <= size() / 8
    while (drawn.size() < count) {
      drawn.push_back(&table()->random(rng));
      if (drawn.size() < count) continue;
      std::ranges::sort(drawn);
      const auto again = std::ranges::unique(drawn);
      drawn.erase(again.begin(), again.end());
    }
    for (const FieldRecord* record : drawn) visit(item_of(*record));
    return;
  }
  std::uint64_t left = visible(from_ms);
  std::uint64_t wanted = std::min(count, left);
  for_each(from_ms, [&](const HashItem& item) {
    if (wanted > 0 && rng.below(left) < wanted) {
      visit(item);
      --wanted;
    }
    --left;
  });
}

}  // namespace ashlar::keyspace
