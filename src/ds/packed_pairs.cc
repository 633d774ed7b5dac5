#include "ds/packed_pairs.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "ds/listpack.h"

namespace ashlar::ds {
namespace {

const std::uint8_t* behind(const std::uint8_t* at) noexcept { return at + packed_value_bytes(at); }

}  // namespace

PairPos PackedPairsView::seek(std::size_t index) const noexcept {
  const std::uint8_t* at = begin();
  for (; index > 0; --index) at = behind(behind(at));
  return pos(at);
}

PairPos PackedPairsView::find(const PackedItem& name) const noexcept {
  return pos(name.search(begin(), end(), [](const std::uint8_t* at) { return behind(behind(at)); }));
}

void PackedPairsView::append_listpack(std::string& out) const {
  ListpackWriter writer(out);
  for (const std::uint8_t* at = begin(); at != end(); at = behind(at)) {
    writer.add({reinterpret_cast<const char*>(at), packed_value_bytes(at)});
  }
  writer.finish();
}

void PackedPairsView::check_invariants() const {
  ASH_CHECK((block_.bytes == nullptr) == (block_.size == 0));
  std::size_t items = 0;
  for (const std::uint8_t* at = begin(); at != end(); ++items) {
    const auto encoded = checked_packed_value_bytes(at, static_cast<std::size_t>(end() - at));
    ASH_CHECK(encoded.has_value());
    PackedValue value(std::int64_t{0});
    ASH_CHECK(decode_packed(at, value) == at + *encoded);
    DecimalBuffer buffer;
    const PackedItem item(value.text(buffer));
    ASH_CHECK(item.encoded_bytes() == *encoded && item.stands_at(at));
    at += *encoded;
  }
  ASH_CHECK(items == 2 * count());
}

PackedPairs::~PackedPairs() { std::free(block_.bytes); }

PackedPairs PackedPairsView::clone() const {
  if (block_.size == 0) return {};
  const PackedPairsBlock copy{allocate_packed_block(block_.size), block_.size, block_.pairs};
  std::memcpy(copy.bytes, block_.bytes, block_.size);
  return PackedPairs::adopt(copy);
}

std::uint8_t* PackedPairs::splice(std::size_t offset, std::size_t removed, std::size_t added) {
  ASH_CHECK(block_.size - removed + added <= PackedPairsView::kBytesMax);
  block_.bytes = splice_packed_block(block_.bytes, block_.size, {.offset = offset, .removed = removed, .added = added});
  block_.size = static_cast<std::uint32_t>(block_.size - removed + added);
  return block_.bytes + offset;
}

void PackedPairs::append(const PackedItem& name, const PackedItem& value) {
  const std::size_t name_bytes = name.encoded_bytes();
  std::uint8_t* at = splice(block_.size, 0, name_bytes + value.encoded_bytes());
  name.write(at);
  value.write(at + name_bytes);
  ++block_.pairs;
}

void PackedPairs::assign(PairPos at, const PackedItem& value) {
  const std::uint8_t* const old = behind(view().ptr(at));
  value.write(splice(static_cast<std::size_t>(old - block_.bytes), packed_value_bytes(old), value.encoded_bytes()));
}

void PackedPairs::erase(PairPos at) {
  const std::uint8_t* const from = view().ptr(at);
  splice(static_cast<std::uint32_t>(at), static_cast<std::size_t>(behind(behind(from)) - from), 0);
  --block_.pairs;
}

}  // namespace ashlar::ds
