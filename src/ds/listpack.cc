#include "ds/listpack.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace ashlar::ds {
namespace {

/// Bytes that the backward length of `n` encoded bytes takes. The odd bounds are those of Redis.
constexpr std::size_t backlen_bytes(std::size_t n) noexcept {
  if (n <= 127) return 1;
  if (n < 16383) return 2;
  if (n < 2097151) return 3;
  if (n < 268435455) return 4;
  return 5;
}

/// Most significant seven bits first; all bytes but the first have the top bit set.
void write_backlen(std::uint8_t* at, std::size_t n) noexcept {
  const std::size_t size = backlen_bytes(n);
  for (std::size_t i = 0; i < size; ++i) {
    const auto group = static_cast<std::uint8_t>(n >> (7 * (size - 1 - i)) & 127);
    at[i] = static_cast<std::uint8_t>(i == 0 ? group : group | 128);
  }
}

void write_entry(std::uint8_t* at, const PackedItem& item) noexcept {
  item.write(at);
  write_backlen(at + item.encoded_bytes(), item.encoded_bytes());
}

std::unexpected<Error> corrupt(std::size_t offset) {
  return fail(ErrorCode::kCorrupt, "bad listpack at byte " + std::to_string(offset));
}

}  // namespace

std::size_t PackedItem::entry_bytes() const noexcept { return encoded_bytes() + backlen_bytes(encoded_bytes()); }

const std::uint8_t* ListpackView::after(const std::uint8_t* at) noexcept {
  const std::size_t size = detail::kEncodedSize[*at];
  if (size != 0) [[likely]]
    return at + size + 1;
  ASH_DCHECK(*at != kEnd);
  const std::size_t encoded = detail::long_string_bytes(at);
  return at + encoded + backlen_bytes(encoded);
}

const std::uint8_t* ListpackView::before(const std::uint8_t* at) noexcept {
  std::size_t encoded = 0;
  unsigned shift = 0;
  do {
    --at;
    encoded |= static_cast<std::size_t>(*at & 127) << shift;
    shift += 7;
  } while ((*at & 128) != 0);
  return at - encoded;
}

ListpackPos ListpackView::seek(std::int64_t index) const noexcept {
  const auto known = load_le<std::uint16_t>(block_ + 4);
  bool forward = index >= 0;
  // Steps still to go: from the first entry, or back from the last one (-1 is no step).
  std::uint64_t steps = forward ? static_cast<std::uint64_t>(index) : static_cast<std::uint64_t>(-(index + 1));
  if (known != kCountUnknown) {
    if (steps >= known) return stop();
    if (steps > known / 2U) {
      steps = known - 1U - steps;
      forward = !forward;
    }
  }
  const std::uint8_t* const end = block_ + size_bytes() - 1;
  if (forward) {
    const std::uint8_t* at = block_ + kHeader;
    for (; steps > 0 && at != end; --steps) at = after(at);
    return pos(at);
  }
  ListpackPos at = last();
  for (; steps > 0 && at != stop(); --steps) at = prev(at);
  return at;
}

ListpackPos ListpackView::find(const PackedItem& item, ListpackPos from, std::size_t skip) const noexcept {
  const std::uint8_t* const end = block_ + size_bytes() - 1;
  const auto next = [end, skip](const std::uint8_t* at) {
    at = after(at);
    for (std::size_t i = 0; i < skip && at != end; ++i) at = after(at);
    return at;
  };
  return pos(item.search(ptr(from), end, next));
}

std::size_t ListpackView::count_slowly() const noexcept {
  std::size_t n = 0;
  const std::uint8_t* const end = block_ + size_bytes() - 1;
  for (const std::uint8_t* at = block_ + kHeader; at != end; at = after(at)) ++n;
  return n;
}

void ListpackView::check_invariants() const {
  const std::size_t total = size_bytes();
  ASH_CHECK(total > kHeader && block_[total - 1] == kEnd);
  std::size_t n = 0;
  std::size_t at = kHeader;
  while (at != total - 1) {
    const auto encoded = checked_packed_value_bytes(block_ + at, total - 1 - at);
    ASH_CHECK(encoded.has_value());
    const std::size_t next = at + *encoded + backlen_bytes(*encoded);
    ASH_CHECK(next < total && before(block_ + next) == block_ + at);
    const PackedValue value = get(ListpackPos{static_cast<std::uint32_t>(at)});
    DecimalBuffer buffer;
    const PackedItem item(value.text(buffer));
    ASH_CHECK(item.encoded_bytes() == *encoded && item.stands_at(block_ + at));
    at = next;
    ++n;
  }
  ASH_CHECK(load_le<std::uint16_t>(block_ + 4) == std::min<std::size_t>(n, kCountUnknown));
}

ListpackWriter::ListpackWriter(std::string& out) : out_(out), begin_(out.size()) {
  out_.append(ListpackView::kHeader, '\0');
}

void ListpackWriter::add(std::string_view encoded) {
  out_ += encoded;
  std::array<std::uint8_t, 5> length{};
  write_backlen(length.data(), encoded.size());
  out_.append(reinterpret_cast<const char*>(length.data()), backlen_bytes(encoded.size()));
  ++count_;
}

void ListpackWriter::finish() {
  out_ += static_cast<char>(ListpackView::kEnd);
  const std::size_t total = out_.size() - begin_;
  ASH_CHECK(total <= Listpack::kBytesMax);
  store_le(out_.data() + begin_, static_cast<std::uint32_t>(total));
  store_le(out_.data() + begin_ + 4,
           static_cast<std::uint16_t>(std::min<std::size_t>(count_, ListpackView::kCountUnknown)));
}

Listpack::Listpack() : block_(allocate_packed_block(ListpackView::kHeader + 1)) {
  store_le<std::uint32_t>(block_, ListpackView::kHeader + 1);
  store_le<std::uint16_t>(block_ + 4, 0);
  block_[ListpackView::kHeader] = ListpackView::kEnd;
}

Listpack::~Listpack() { std::free(block_); }

Result<Listpack> Listpack::validated(std::string_view blob) {
  constexpr std::size_t kHeader = ListpackView::kHeader;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(blob.data());
  if (blob.size() < kHeader + 1 || blob.size() > kBytesMax) return corrupt(0);
  if (load_le<std::uint32_t>(bytes) != blob.size()) return corrupt(0);
  const std::size_t end = blob.size() - 1;
  if (bytes[end] != ListpackView::kEnd) return corrupt(end);

  // The shortest forms never take more than what was given.
  Listpack out(allocate_packed_block(blob.size()));
  std::size_t written = kHeader;
  std::size_t count = 0;
  std::size_t at = kHeader;
  while (at != end) {
    const auto encoded = checked_packed_value_bytes(bytes + at, end - at);
    if (!encoded) return corrupt(at);
    const std::size_t backlen = backlen_bytes(*encoded);
    if (backlen > end - at - *encoded) return corrupt(at);
    std::array<std::uint8_t, 5> expected{};
    write_backlen(expected.data(), *encoded);
    if (std::memcmp(expected.data(), bytes + at + *encoded, backlen) != 0) return corrupt(at + *encoded);
    PackedValue value(std::int64_t{0});
    decode_packed(bytes + at, value);
    const PackedItem item(value);
    write_entry(out.block_ + written, item);
    written += item.entry_bytes();
    at += *encoded + backlen;
    ++count;
  }
  const auto claimed = load_le<std::uint16_t>(bytes + 4);
  if (claimed != ListpackView::kCountUnknown && claimed != count) return corrupt(4);

  out.block_[written] = ListpackView::kEnd;
  const std::size_t total = written + 1;
  store_le(out.block_, static_cast<std::uint32_t>(total));
  out.set_count(count);
  if (packed_block_bytes(total) != packed_block_bytes(blob.size())) return out.clone();
  return out;
}

Listpack Listpack::clone() const {
  const std::size_t total = size_bytes();
  Listpack copy(allocate_packed_block(total));
  std::memcpy(copy.block_, block_, total);
  return copy;
}

std::uint8_t* Listpack::splice(std::size_t offset, std::size_t removed, std::size_t added) {
  const std::size_t old_total = size_bytes();
  const std::size_t new_total = old_total - removed + added;
  ASH_CHECK(new_total <= kBytesMax);
  block_ = splice_packed_block(block_, old_total, {.offset = offset, .removed = removed, .added = added});
  store_le(block_, static_cast<std::uint32_t>(new_total));
  return block_ + offset;
}

void Listpack::count_changed(std::size_t removed, std::size_t added) noexcept {
  const auto known = load_le<std::uint16_t>(block_ + 4);
  if (known != ListpackView::kCountUnknown) {
    set_count(known - removed + added);
  } else if (removed > 0) {
    set_count(view().count_slowly());
  }
}

void Listpack::set_count(std::size_t count) noexcept {
  store_le(block_ + 4, static_cast<std::uint16_t>(std::min<std::size_t>(count, ListpackView::kCountUnknown)));
}

void Listpack::append(const PackedItem& item) { insert(view().stop(), item); }

void Listpack::prepend(const PackedItem& item) { insert(view().first(), item); }

void Listpack::insert(ListpackPos at, const PackedItem& item) {
  write_entry(splice(static_cast<std::uint32_t>(at), 0, item.entry_bytes()), item);
  count_changed(0, 1);
}

void Listpack::replace(ListpackPos at, const PackedItem& item) {
  const std::uint8_t* old = view().ptr(at);
  const auto removed = static_cast<std::size_t>(ListpackView::after(old) - old);
  write_entry(splice(static_cast<std::uint32_t>(at), removed, item.entry_bytes()), item);
}

void Listpack::erase(ListpackPos at, std::size_t count) {
  const std::uint8_t* const from = view().ptr(at);
  const std::uint8_t* const end = view().ptr(view().stop());
  const std::uint8_t* to = from;
  std::size_t removed = 0;
  for (; removed < count && to != end; ++removed) to = ListpackView::after(to);
  if (removed == 0) return;
  splice(static_cast<std::uint32_t>(at), static_cast<std::size_t>(to - from), 0);
  count_changed(removed, 0);
}

void Listpack::erase_range(std::int64_t index, std::size_t count) {
  const ListpackPos at = view().seek(index);
  if (at != view().stop()) erase(at, count);
}

void Listpack::append_all(const ListpackView& other) {
  const std::size_t bytes = other.size_bytes() - ListpackView::kHeader - 1;
  const std::size_t added = other.count();
  std::memcpy(splice(size_bytes() - 1, 0, bytes), other.block_ + ListpackView::kHeader, bytes);
  count_changed(0, added);
}

Listpack Listpack::split_off(ListpackPos at) {
  const std::uint8_t* const from = view().ptr(at);
  const auto bytes = static_cast<std::size_t>(view().ptr(view().stop()) - from);
  const std::size_t kept_offset = static_cast<std::uint32_t>(at);
  Listpack tail(allocate_packed_block(ListpackView::kHeader + bytes + 1));
  store_le(tail.block_, static_cast<std::uint32_t>(ListpackView::kHeader + bytes + 1));
  std::memcpy(tail.block_ + ListpackView::kHeader, from, bytes + 1);
  const std::size_t moved = tail.view().count_slowly();
  tail.set_count(moved);
  splice(kept_offset, bytes, 0);
  count_changed(moved, 0);
  return tail;
}

}  // namespace ashlar::ds
