#include "server/dataset_digest.h"

#include <fmt/format.h>

#include <cstdio>

#include "base/bytes.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"

namespace ashlar::server {
namespace {

std::string_view view_of(const Sha1& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

void add_number(DatasetDigest& digest, std::uint32_t number) {
  std::array<char, 4> bytes;
  store_be(bytes.data(), number);
  digest.add_ordered({bytes.data(), bytes.size()});
}

/// Numbers of types in Redis' object header.
std::uint32_t number_of(keyspace::Type type) {
  switch (type) {
    case keyspace::Type::kString: return 0;
    case keyspace::Type::kList: return 1;
    case keyspace::Type::kSet: return 2;
    case keyspace::Type::kSortedSet: return 3;
    case keyspace::Type::kHash: return 4;
    case keyspace::Type::kStream: return 6;
  }
  return 0;
}

void add_list(DatasetDigest& digest, const keyspace::List& list) {
  DecimalBuffer buffer;
  list.walk(0, list.size(), keyspace::ListEnd::kLeft,
            [&](const ds::PackedValue& element) { digest.add_ordered(element.text(buffer)); });
}

void add_set(DatasetDigest& digest, const keyspace::Set& set) {
  DecimalBuffer buffer;
  set.for_each([&](const ds::PackedValue& member) { digest.add_unordered(member.text(buffer)); });
}

/// A member or field with what belongs to it: the two in order, the pair anywhere.
void add_pair(DatasetDigest& digest, std::string_view first, std::string_view second) {
  DatasetDigest pair;
  pair.add_ordered(first);
  pair.add_ordered(second);
  digest.add_unordered(view_of(pair.value()));
}

void add_sorted_set(DatasetDigest& digest, const keyspace::SortedSet& set) {
  for (auto at = set.first(); !at.at_end(); at.forward()) {
    const auto element = at.element();
    std::array<char, 64> score;
    const int length = std::snprintf(score.data(), score.size(), "%.17g", element.score);
    add_pair(digest, element.member, {score.data(), static_cast<std::size_t>(length)});
  }
}

void add_hash(DatasetDigest& digest, const keyspace::Hash& hash) {
  DecimalBuffer field;
  DecimalBuffer value;
  hash.for_each(
      0, [&](const keyspace::HashItem& item) { add_pair(digest, item.field.text(field), item.value.text(value)); });
}

void add_stream(DatasetDigest& digest, const keyspace::Stream& stream) {
  DecimalBuffer buffer;
  keyspace::StreamRange range(stream, {}, keyspace::StreamId::max());
  while (range.next()) {
    digest.add_ordered(fmt::format("{}.{}", range.id().ms, range.id().seq));
    range.for_each_field([&](const ds::PackedValue& field, const ds::PackedValue& value) {
      digest.add_ordered(field.text(buffer));
      digest.add_ordered(value.text(buffer));
    });
  }
}

}  // namespace

void DatasetDigest::combine(const Sha1& other) noexcept {
  for (std::size_t i = 0; i < value_.size(); ++i) value_[i] ^= other[i];
}

void DatasetDigest::add_ordered(std::string_view bytes) noexcept {
  add_unordered(bytes);
  value_ = sha1(view_of(value_));
}

std::string DatasetDigest::hex() const { return hex_text(view_of(value_)); }

void add_value(DatasetDigest& digest, const keyspace::Entry& entry) {
  add_number(digest, number_of(entry.type()));
  switch (entry.type()) {
    case keyspace::Type::kString: {
      DecimalBuffer buffer;
      digest.add_ordered(entry.text(buffer));
      break;
    }
    case keyspace::Type::kList: add_list(digest, *entry.collection<keyspace::List>()); break;
    case keyspace::Type::kSet: add_set(digest, *entry.collection<keyspace::Set>()); break;
    case keyspace::Type::kSortedSet: add_sorted_set(digest, *entry.collection<keyspace::SortedSet>()); break;
    case keyspace::Type::kHash: add_hash(digest, *entry.collection<keyspace::Hash>()); break;
    case keyspace::Type::kStream: add_stream(digest, *entry.collection<keyspace::Stream>()); break;
  }
  if (entry.has_expiry()) digest.add_unordered("!!expire!!");
}

std::string dataset_digest(keyspace::Keyspace& keyspace) {
  DatasetDigest all;
  for (std::uint32_t db = 0; db < keyspace.databases(); ++db) {
    DatasetDigest keys;
    std::uint64_t count = 0;
    for (std::uint32_t slot = 0; slot < kSlotCount; ++slot) {
      const keyspace::SlotDb* in = keyspace.slot(SlotId::wrap(slot)).find(db);
      if (in == nullptr) continue;
      in->table.for_each([&](const auto& word) {
        DatasetDigest one;
        one.add_ordered(word.record()->key());
        add_value(one, *word.record());
        keys.add_unordered(view_of(one.value()));
        ++count;
      });
    }
    if (count == 0) continue;
    add_number(all, db);
    all.combine(keys.value());
  }
  return all.hex();
}

}  // namespace ashlar::server
