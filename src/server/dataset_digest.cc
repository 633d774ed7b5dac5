#include "server/dataset_digest.h"

#include "base/bytes.h"

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
  if (entry.is_string()) {
    DecimalBuffer buffer;
    digest.add_ordered(entry.text(buffer));
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
