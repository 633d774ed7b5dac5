#include "keyspace/values/hash.h"

#include <string>

#include "base/check.h"

namespace ashlar::keyspace {

Hash::~Hash() = default;

std::uint64_t Hash::size() const noexcept {
  if (const auto* table = std::get_if<Table>(&form_)) return (*table)->size();
  return listpack()->count() / 2;
}

Owned<Hash> Hash::clone() const {
  Owned<Hash> copy(new Hash());
  if (const auto* table = std::get_if<Table>(&form_)) {
    auto fresh = std::make_unique<ExpiringTable>();
    (*table)->for_each([&](const FieldRecord& record) {
      fresh->set(record.field(), ds::seeded_hash(record.field()), record.value(), record.expiry_ms());
    });
    copy->form_ = std::move(fresh);
  } else {
    copy->form_ = listpack()->clone();
  }
  return copy;
}

std::size_t Hash::memory_bytes() const noexcept {
  if (const auto* table = std::get_if<Table>(&form_)) return sizeof *this + (*table)->memory_bytes();
  return sizeof *this + listpack()->memory_bytes();
}

std::string_view Hash::encoding_name() const noexcept { return listpack() != nullptr ? "listpack" : "hashtable"; }

void Hash::to_table() {
  auto table = std::make_unique<ExpiringTable>();
  for_each(kAllFields, [&](const HashItem& item) {
    const LookupText field(item.field);
    DecimalBuffer digits;
    table->set(field.text(), field.hash(), item.value.text(digits), kNoExpiryMs);
  });
  form_ = std::move(table);
}

void Hash::expect(std::uint64_t fields, const EncodingLimits& limits) {
  if (listpack() != nullptr && fields > limits.hash_listpack_entries) to_table();
}

bool Hash::set_in_listpack(const LookupText& field, std::string_view value, const EncodingLimits& limits) {
  auto& packed = std::get<ds::Listpack>(form_);
  const ds::PackedItem name = field.item();
  const ds::PackedItem content(value);
  const ds::ListpackView view = packed.view();
  const ds::ListpackPos at = view.find(name, view.first(), 1);
  if (at != view.stop()) {
    packed.replace(view.next(at), content);
    return false;
  }
  packed.append(name);
  packed.append(content);
  if (packed.count() / 2 > limits.hash_listpack_entries) to_table();
  return true;
}

bool Hash::set(const LookupText& field, std::string_view value, const EncodingLimits& limits, std::int64_t expiry_ms) {
  if (const ds::Listpack* packed = listpack()) {
    // Both at most 64 bytes or so: the room taken by two entries is at most 20 bytes more.
    constexpr std::size_t kEntryOverhead = 20;
    const std::size_t longest = std::max(field.text().size(), value.size());
    if (expiry_ms == kNoExpiryMs && longest <= limits.hash_listpack_value &&
        packed->has_room(2 * (longest + kEntryOverhead))) {
      return set_in_listpack(field, value, limits);
    }
    to_table();
  }
  return std::get<Table>(form_)->set(field.text(), field.hash(), value, expiry_ms);
}

bool Hash::erase(const LookupText& field) {
  if (const auto* table = std::get_if<Table>(&form_)) return (*table)->erase(field.text(), field.hash());
  auto& packed = std::get<ds::Listpack>(form_);
  const ds::ListpackView view = packed.view();
  const ds::ListpackPos at = view.find(field.item(), view.first(), 1);
  if (at == view.stop()) return false;
  packed.erase(at, 2);
  return true;
}

std::optional<HashItem> Hash::get(const LookupText& field, std::int64_t from_ms) const {
  if (const auto* table = std::get_if<Table>(&form_)) {
    const FieldRecord* record = (*table)->find(field.text(), field.hash());
    if (record == nullptr || record->expiry_ms() < from_ms) return std::nullopt;
    return item_of(*record);
  }
  const ds::ListpackView view = listpack()->view();
  const ds::ListpackPos at = view.find(field.item(), view.first(), 1);
  if (at == view.stop()) return std::nullopt;
  return HashItem{view.get(at), view.get(view.next(at)), kNoExpiryMs};
}

bool Hash::set_expiry(const LookupText& field, std::int64_t expiry_ms) {
  if (listpack() != nullptr) {
    if (expiry_ms == kNoExpiryMs || !get(field, kAllFields)) return get(field, kAllFields).has_value();
    to_table();
  }
  return std::get<Table>(form_)->set_expiry(field.text(), field.hash(), expiry_ms);
}

std::string Hash::take_first_to_expire() {
  auto& table = *std::get<Table>(form_);
  std::string field(table.first_to_expire().field());
  table.erase(field, ds::seeded_hash(field));
  return field;
}

std::int64_t Hash::agenda_ms() const noexcept {
  const auto* table = std::get_if<Table>(&form_);
  return table == nullptr ? kNoExpiryMs : (*table)->agenda_ms;
}

void Hash::set_agenda_ms(std::int64_t ms) noexcept {
  if (auto* table = std::get_if<Table>(&form_)) (*table)->agenda_ms = ms;
}

std::uint64_t Hash::visible(std::int64_t from_ms) const {
  if (next_expiry_ms() >= from_ms) return size();
  std::uint64_t count = 0;
  for_each(from_ms, [&](const HashItem&) { ++count; });
  return count;
}

std::optional<HashItem> Hash::random(Rng& rng, std::int64_t from_ms) const {
  if (const auto* table = std::get_if<Table>(&form_)) {
    constexpr int kAttempts = 100;  // as Redis: then most fields have expired, and a walk finds one that has not
    for (int i = 0; i < kAttempts; ++i) {
      const FieldRecord& record = (*table)->random(rng);
      if (record.expiry_ms() >= from_ms) return item_of(record);
    }
    std::optional<HashItem> any;
    for_each(from_ms, [&](const HashItem& item) { any = item; });
    return any;
  }
  const ds::ListpackView view = listpack()->view();
  const ds::ListpackPos at = view.seek(static_cast<std::int64_t>(2 * rng.below(view.count() / 2)));
  return HashItem{view.get(at), view.get(view.next(at)), kNoExpiryMs};
}

void Hash::check_invariants() const {
  if (const auto* table = std::get_if<Table>(&form_)) return (*table)->check_invariants();
  const ds::ListpackView view = listpack()->view();
  view.check_invariants();
  ASH_CHECK(view.count() % 2 == 0);
  for (ds::ListpackPos at = view.first(); at != view.stop(); at = view.next(view.next(at))) {
    const ds::ListpackPos next = view.next(view.next(at));
    if (next != view.stop()) ASH_CHECK(view.find(ds::PackedItem(view.get(at)), next, 1) == view.stop());
  }
}

}  // namespace ashlar::keyspace
