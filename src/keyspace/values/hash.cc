#include "keyspace/values/hash.h"

#include <string>

#include "base/check.h"

namespace ashlar::keyspace {

Hash::~Hash() {
  if (packed()) {
    (void)ds::PackedPairs::adopt(form_);
  } else {
    delete table();
  }
}

std::uint64_t Hash::size() const noexcept { return packed() ? pairs().count() : table()->size(); }

Owned<Hash> Hash::clone() const {
  Owned<Hash> copy(new Hash());
  if (packed()) {
    copy->form_ = pairs().clone().release();
    return copy;
  }
  auto fresh = std::make_unique<ExpiringTable>();
  table()->for_each([&](const FieldRecord& record) {
    fresh->set(record.field(), ds::seeded_hash(record.field()), record.value(), record.expiry_ms());
  });
  copy->become(std::move(fresh));
  return copy;
}

std::size_t Hash::memory_bytes() const noexcept {
  return sizeof *this + (packed() ? pairs().memory_bytes() : table()->memory_bytes());
}

std::string_view Hash::encoding_name() const noexcept { return packed() ? "listpack" : "hashtable"; }

void Hash::become(std::unique_ptr<ExpiringTable> table) noexcept {
  if (packed()) (void)ds::PackedPairs::adopt(form_);
  form_ = {.bytes = reinterpret_cast<std::uint8_t*>(table.release()), .size = 0, .pairs = kIsTable};
}

void Hash::to_table() {
  auto table = std::make_unique<ExpiringTable>();
  for_each(kAllFields, [&](const HashItem& item) {
    const LookupText field(item.field);
    DecimalBuffer digits;
    table->set(field.text(), field.hash(), item.value.text(digits), kNoExpiryMs);
  });
  become(std::move(table));
}

template <typename Change>
void Hash::edit_pairs(Change&& change) {
  ds::PackedPairs taken = ds::PackedPairs::adopt(std::exchange(form_, {}));
  change(taken);
  form_ = taken.release();
}

void Hash::expect(std::uint64_t fields, const EncodingLimits& limits) {
  if (packed() && fields > limits.hash_listpack_entries) to_table();
}

bool Hash::set_packed(const LookupText& field, std::string_view value, const EncodingLimits& limits) {
  const ds::PackedItem name = field.item();
  const ds::PackedItem content(value);
  const ds::PairPos at = pairs().find(name);
  if (at != pairs().stop()) {
    edit_pairs([&](ds::PackedPairs& changed) { changed.assign(at, content); });
    return false;
  }
  edit_pairs([&](ds::PackedPairs& changed) { changed.append(name, content); });
  if (pairs().count() > limits.hash_listpack_entries) to_table();
  return true;
}

bool Hash::set(const LookupText& field, std::string_view value, const EncodingLimits& limits, std::int64_t expiry_ms) {
  if (packed()) {
    // Neither takes more than five bytes beside its text.
    constexpr std::size_t kOverheadMax = 5;
    const std::size_t longest = std::max(field.text().size(), value.size());
    if (expiry_ms == kNoExpiryMs && longest <= limits.hash_listpack_value &&
        pairs().has_room(2 * (longest + kOverheadMax))) {
      return set_packed(field, value, limits);
    }
    to_table();
  }
  return table()->set(field.text(), field.hash(), value, expiry_ms);
}

bool Hash::erase(const LookupText& field) {
  if (!packed()) return table()->erase(field.text(), field.hash());
  const ds::PairPos at = pairs().find(field.item());
  if (at == pairs().stop()) return false;
  edit_pairs([&](ds::PackedPairs& changed) { changed.erase(at); });
  return true;
}

std::optional<HashItem> Hash::get(const LookupText& field, std::int64_t from_ms) const {
  if (packed()) {
    const ds::PairPos at = pairs().find(field.item());
    return at != pairs().stop() ? std::optional(item_of(pairs().get(at))) : std::nullopt;
  }
  const FieldRecord* record = table()->find(field.text(), field.hash());
  if (record == nullptr || record->expiry_ms() < from_ms) return std::nullopt;
  return item_of(*record);
}

bool Hash::set_expiry(const LookupText& field, std::int64_t expiry_ms) {
  if (packed()) {
    const bool there = get(field, kAllFields).has_value();
    if (expiry_ms == kNoExpiryMs || !there) return there;
    to_table();
  }
  return table()->set_expiry(field.text(), field.hash(), expiry_ms);
}

std::string Hash::take_first_to_expire() {
  std::string field(table()->first_to_expire().field());
  table()->erase(field, ds::seeded_hash(field));
  return field;
}

std::int64_t Hash::agenda_ms() const noexcept { return packed() ? kNoExpiryMs : table()->agenda_ms; }

void Hash::set_agenda_ms(std::int64_t ms) noexcept {
  if (!packed()) table()->agenda_ms = ms;
}

std::uint64_t Hash::visible(std::int64_t from_ms) const {
  if (next_expiry_ms() >= from_ms) return size();
  std::uint64_t count = 0;
  for_each(from_ms, [&](const HashItem&) { ++count; });
  return count;
}

const FieldRecord* Hash::try_random(Rng& rng, std::int64_t from_ms) const {
  constexpr int kAttempts = 100;  // as Redis: then most fields have expired
  for (int i = 0; i < kAttempts; ++i) {
    const FieldRecord& record = table()->random(rng);
    if (record.expiry_ms() >= from_ms) return &record;
  }
  return nullptr;
}

std::optional<HashItem> Hash::random(Rng& rng, std::int64_t from_ms) const {
  if (packed()) return item_of(pairs().get(pairs().seek(rng.below(pairs().count()))));
  std::optional<HashItem> any;
  draw(1, rng, from_ms, [&](const HashItem& item) { any = item; });
  return any;
}

void Hash::check_invariants() const {
  if (!packed()) return table()->check_invariants();
  pairs().check_invariants();
  std::size_t index = 0;
  pairs().for_each(
      [&](const ds::PackedPair& pair) { ASH_CHECK(pairs().find(ds::PackedItem(pair.name)) == pairs().seek(index++)); });
}

}  // namespace ashlar::keyspace
