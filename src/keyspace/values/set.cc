#include "keyspace/values/set.h"

#include "base/check.h"

namespace ashlar::keyspace {
namespace {

std::size_t digits_of(std::int64_t value) noexcept {
  DecimalBuffer buffer;
  return format_i64(value, buffer).size();
}

/// Whether a listpack may hold everything in `numbers` and one more member of `bytes` bytes.
bool fits_listpack(const ds::Intset& numbers, std::size_t bytes, const EncodingLimits& limits) noexcept {
  constexpr std::size_t kIntegerBytesMax = 10;  // of a listpack entry: its head, eight bytes, the length backwards
  const std::size_t n = numbers.size();
  if (bytes > ds::Listpack::kBytesMax / 2 || n > ds::Listpack::kBytesMax / 2 / kIntegerBytesMax) return false;
  if (n >= limits.set_listpack_entries || bytes > limits.set_listpack_value) return false;
  if (n == 0) return true;
  return digits_of(numbers.at(0)) <= limits.set_listpack_value &&
         digits_of(numbers.at(n - 1)) <= limits.set_listpack_value;
}

}  // namespace

Set::~Set() = default;

std::uint64_t Set::size() const noexcept {
  if (const auto* table = std::get_if<Table>(&form_)) return (*table)->size();
  if (const auto* packed = listpack()) return packed->count();
  return std::get<ds::Intset>(form_).size();
}

Owned<Set> Set::clone() const {
  Owned<Set> copy(new Set());
  if (const auto* table = std::get_if<Table>(&form_)) {
    auto fresh = std::make_unique<MemberTable>();
    (*table)->for_each([&](std::string_view member) { fresh->insert(member, ds::seeded_hash(member)); });
    copy->form_ = std::move(fresh);
  } else if (const auto* packed = listpack()) {
    copy->form_ = packed->clone();
  } else {
    copy->form_ = std::get<ds::Intset>(form_).clone();
  }
  return copy;
}

std::size_t Set::memory_bytes() const noexcept {
  if (const auto* table = std::get_if<Table>(&form_)) return sizeof *this + (*table)->memory_bytes();
  if (const auto* packed = listpack()) return sizeof *this + packed->memory_bytes();
  return sizeof *this + std::get<ds::Intset>(form_).memory_bytes();
}

std::string_view Set::encoding_name() const noexcept {
  if (std::holds_alternative<Table>(form_)) return "hashtable";
  return listpack() != nullptr ? "listpack" : "intset";
}

void Set::to_table() {
  auto table = std::make_unique<MemberTable>();
  for_each([&](const ds::PackedValue& value) {
    const SetMember member(value);
    table->insert(member.text(), member.hash());
  });
  form_ = std::move(table);
}

void Set::to_listpack() {
  ds::Listpack packed;
  for (const std::int64_t value : std::get<ds::Intset>(form_)) packed.append(value);
  form_ = std::move(packed);
}

void Set::expect(const SetMember& first, std::uint64_t count, const EncodingLimits& limits) {
  if (empty()) {
    const bool number = first.integer().has_value() && count <= limits.set_intset_entries;
    if (number && intset() != nullptr) return;
    if (number) {
      form_ = ds::Intset();
    } else if (count <= limits.set_listpack_entries) {
      form_ = ds::Listpack();
    } else {
      form_ = std::make_unique<MemberTable>();
    }
    return;
  }
  if ((listpack() != nullptr && count > limits.set_listpack_entries) ||
      (intset() != nullptr && count > limits.set_intset_entries)) {
    to_table();
  }
}

bool Set::add_integer(std::int64_t value, const EncodingLimits& limits) {
  constexpr std::uint64_t kIntsetEntriesMax = std::uint64_t{1} << 30;
  auto& numbers = std::get<ds::Intset>(form_);
  if (!numbers.insert(value)) return false;
  if (numbers.size() > std::min<std::uint64_t>(limits.set_intset_entries, kIntsetEntriesMax)) to_table();
  return true;
}

void Set::add_text_to_intset(const SetMember& member, const EncodingLimits& limits) {
  if (fits_listpack(std::get<ds::Intset>(form_), member.text().size(), limits)) {
    to_listpack();
    std::get<ds::Listpack>(form_).append(member.item());
  } else {
    to_table();
    std::get<Table>(form_)->insert(member.text(), member.hash());
  }
}

bool Set::add(const SetMember& member, const EncodingLimits& limits) {
  if (auto* table = std::get_if<Table>(&form_)) return (*table)->insert(member.text(), member.hash());
  if (auto* packed = std::get_if<ds::Listpack>(&form_)) {
    const ds::PackedItem item = member.item();
    const ds::ListpackView view = packed->view();
    if (view.find(item, view.first()) != view.stop()) return false;
    if (view.count() < limits.set_listpack_entries && member.text().size() <= limits.set_listpack_value &&
        packed->has_room(item.entry_bytes())) {
      packed->append(item);
    } else {
      to_table();
      std::get<Table>(form_)->insert(member.text(), member.hash());
    }
    return true;
  }
  if (member.integer()) return add_integer(*member.integer(), limits);
  add_text_to_intset(member, limits);
  return true;
}

bool Set::erase(const SetMember& member) {
  if (auto* table = std::get_if<Table>(&form_)) return (*table)->erase(member.text(), member.hash());
  if (auto* packed = std::get_if<ds::Listpack>(&form_)) {
    const ds::ListpackView view = packed->view();
    const ds::ListpackPos at = view.find(member.item(), view.first());
    if (at == view.stop()) return false;
    packed->erase(at);
    return true;
  }
  return member.integer() && std::get<ds::Intset>(form_).erase(*member.integer());
}

bool Set::contains(const SetMember& member) const {
  if (const auto* table = std::get_if<Table>(&form_)) return (*table)->contains(member.text(), member.hash());
  if (const auto* packed = listpack()) {
    const ds::ListpackView view = packed->view();
    return view.find(member.item(), view.first()) != view.stop();
  }
  return member.integer() && std::get<ds::Intset>(form_).contains(*member.integer());
}

void Set::pack_integers(const EncodingLimits& limits) {
  if (intset() != nullptr || size() > limits.set_intset_entries) return;
  ds::Intset numbers;
  for_each([&](const ds::PackedValue& value) {
    const SetMember member(value);
    ASH_CHECK(member.integer().has_value());
    numbers.insert(*member.integer());
  });
  form_ = std::move(numbers);
}

ds::PackedValue Set::random(Rng& rng) const {
  if (const auto* table = std::get_if<Table>(&form_)) return ds::PackedValue((*table)->random(rng));
  if (const auto* packed = listpack()) {
    const ds::ListpackView view = packed->view();
    return view.get(view.seek(static_cast<std::int64_t>(rng.below(view.count()))));
  }
  const auto& numbers = std::get<ds::Intset>(form_);
  return ds::PackedValue(numbers.at(rng.below(numbers.size())));
}

void Set::check_invariants() const {
  if (const auto* table = std::get_if<Table>(&form_)) {
    (*table)->check_invariants();
  } else if (const auto* packed = listpack()) {
    packed->view().check_invariants();
    for_each([&](const ds::PackedValue& value) {
      const ds::PackedItem item(value);
      const ds::ListpackView view = packed->view();
      const ds::ListpackPos at = view.find(item, view.first());
      ASH_CHECK(at != view.stop() && view.find(item, view.next(at)) == view.stop());
    });
  } else {
    std::get<ds::Intset>(form_).check_invariants();
  }
}

}  // namespace ashlar::keyspace
