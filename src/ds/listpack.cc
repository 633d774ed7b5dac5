#include "ds/listpack.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>
#include <tuple>

#include "base/check.h"

namespace ashlar::ds {
namespace {

constexpr std::uint8_t kString32 = 0xF0;
constexpr std::uint8_t kInt16 = 0xF1;
constexpr std::uint8_t kInt24 = 0xF2;
constexpr std::uint8_t kInt32 = 0xF3;
constexpr std::uint8_t kInt64 = 0xF4;

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

/// Size of a whole entry by its first byte, where that byte tells; 0 for the two longer string forms and the end.
constexpr std::array<std::uint8_t, 256> kEntrySize = [] {
  std::array<std::uint8_t, 256> size{};
  for (std::size_t b = 0; b < 256; ++b) {
    if (b < 0x80) {
      size[b] = 2;
    } else if (b < 0xC0) {
      size[b] = static_cast<std::uint8_t>(2 + (b & 63));
    } else if (b < 0xE0) {
      size[b] = 3;
    }
  }
  size[kInt16] = 4;
  size[kInt24] = 5;
  size[kInt32] = 6;
  size[kInt64] = 10;
  return size;
}();

std::uint32_t string12_size(const std::uint8_t* at) noexcept {
  return (static_cast<std::uint32_t>(at[0]) & 15U) << 8 | at[1];
}

/// Encoded bytes (without backward length) of the value at `at`, of which `left` bytes may be read; nullopt when it is
/// no value or does not fit. For bytes that nobody has checked.
std::optional<std::size_t> checked_encoded_bytes(const std::uint8_t* at, std::size_t left) noexcept {
  if (left == 0) return std::nullopt;
  std::size_t n = 0;
  if (kEntrySize[*at] != 0) {
    n = kEntrySize[*at] - 1U;
  } else if ((*at & 0xF0) == 0xE0) {
    if (left < 2) return std::nullopt;
    n = 2 + std::size_t{string12_size(at)};
  } else if (*at == kString32) {
    if (left < 5) return std::nullopt;
    n = 5 + std::size_t{load_le<std::uint32_t>(at + 1)};
  } else {
    return std::nullopt;
  }
  return n <= left ? std::optional(n) : std::nullopt;
}

std::unexpected<Error> corrupt(std::size_t offset) {
  return fail(ErrorCode::kCorrupt, "bad listpack at byte " + std::to_string(offset));
}

}  // namespace

PackedItem::PackedItem(std::string_view text) noexcept {
  // Longer text is no 64-bit integer; most text is told apart by its first byte.
  if (!text.empty() && text.size() <= 20 && text[0] <= '9') {
    if (const auto number = parse_i64(text)) {
      encode_integer(*number);
      return;
    }
  }
  encode_string(text);
}

PackedItem::PackedItem(std::int64_t number) noexcept { encode_integer(number); }

void PackedItem::encode_integer(std::int64_t number) noexcept {
  integer_ = true;
  number_ = number;
  const auto bits = static_cast<std::uint64_t>(number);
  const auto fits = [number](unsigned width) {
    return number >= -(std::int64_t{1} << (width - 1)) && number < (std::int64_t{1} << (width - 1));
  };
  if (number >= 0 && number <= 127) {
    head_[0] = static_cast<std::uint8_t>(number);
    head_size_ = 1;
    return;
  }
  if (fits(13)) {
    head_[0] = static_cast<std::uint8_t>(0xC0 | (bits >> 8 & 0x1F));
    head_[1] = static_cast<std::uint8_t>(bits);
    head_size_ = 2;
    return;
  }
  std::tie(head_[0], head_size_) = fits(16)   ? std::tuple(kInt16, std::uint8_t{3})
                                   : fits(24) ? std::tuple(kInt24, std::uint8_t{4})
                                   : fits(32) ? std::tuple(kInt32, std::uint8_t{5})
                                              : std::tuple(kInt64, std::uint8_t{9});
  store_le(head_.data() + 1, bits);  // what lies behind head_size_ is not used
}

void PackedItem::encode_string(std::string_view text) noexcept {
  ASH_CHECK(text.size() <= std::numeric_limits<std::uint32_t>::max() - 16);
  body_ = text;
  if (text.size() < 64) {
    head_[0] = static_cast<std::uint8_t>(0x80 | text.size());
    head_size_ = 1;
  } else if (text.size() < 4096) {
    head_[0] = static_cast<std::uint8_t>(0xE0 | text.size() >> 8);
    head_[1] = static_cast<std::uint8_t>(text.size());
    head_size_ = 2;
  } else {
    head_[0] = kString32;
    store_le(head_.data() + 1, static_cast<std::uint32_t>(text.size()));
    head_size_ = 5;
  }
}

std::size_t PackedItem::entry_bytes() const noexcept { return encoded_bytes() + backlen_bytes(encoded_bytes()); }

void PackedItem::write(std::uint8_t* at) const noexcept {
  std::memcpy(at, head_.data(), head_size_);
  if (!body_.empty()) std::memcpy(at + head_size_, body_.data(), body_.size());
  write_backlen(at + encoded_bytes(), encoded_bytes());
}

const std::uint8_t* ListpackView::decode(const std::uint8_t* at, PackedValue& value) noexcept {
  const std::uint8_t b = *at;
  const auto string_at = [&](std::size_t head, std::size_t size) {
    value = PackedValue(std::string_view(reinterpret_cast<const char*>(at) + head, size));
    return at + head + size;
  };
  const auto number_is = [&](std::int64_t number, std::size_t encoded) {
    value = PackedValue(number);
    return at + encoded;
  };
  if (b < 0x80) return number_is(b, 1);
  if (b < 0xC0) return string_at(1, b & 63U);
  if (b < 0xE0) {
    const auto bits = static_cast<std::uint16_t>((static_cast<unsigned>(b) << 8 | at[1]) << 3);
    return number_is(static_cast<std::int16_t>(bits) >> 3, 2);
  }
  if (b < 0xF0) return string_at(2, string12_size(at));
  switch (b) {
    case kString32: return string_at(5, load_le<std::uint32_t>(at + 1));
    case kInt16: return number_is(static_cast<std::int16_t>(load_le<std::uint16_t>(at + 1)), 3);
    case kInt24: {
      const std::uint32_t bits = static_cast<std::uint32_t>(at[1]) << 8 | static_cast<std::uint32_t>(at[2]) << 16 |
                                 static_cast<std::uint32_t>(at[3]) << 24;
      return number_is(static_cast<std::int32_t>(bits) >> 8, 4);
    }
    case kInt32: return number_is(static_cast<std::int32_t>(load_le<std::uint32_t>(at + 1)), 5);
    default: ASH_DCHECK(b == kInt64); return number_is(static_cast<std::int64_t>(load_le<std::uint64_t>(at + 1)), 9);
  }
}

const std::uint8_t* ListpackView::after(const std::uint8_t* at) noexcept {
  const std::size_t size = kEntrySize[*at];
  if (size != 0) [[likely]]
    return at + size;
  ASH_DCHECK(*at != kEnd);
  const std::size_t encoded =
      *at == kString32 ? 5 + std::size_t{load_le<std::uint32_t>(at + 1)} : 2 + std::size_t{string12_size(at)};
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
  const std::uint8_t* at = ptr(from);
  // Where the first byte tells the length, most that are as long are told apart by their last byte, without a call.
  const bool length_is_known = item.body_.empty() || item.head_size_ == 1;
  const std::size_t last = length_is_known ? item.encoded_bytes() - 1 : 0;
  const std::uint8_t last_byte =
      item.body_.empty() || last == 0 ? item.head_[last] : static_cast<std::uint8_t>(item.body_.back());
  while (at != end) {
    if (*at == item.head_[0] && at[last] == last_byte && same(at, item)) return pos(at);
    at = after(at);
    for (std::size_t i = 0; i < skip && at != end; ++i) at = after(at);
  }
  return pos(end);
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
    const auto encoded = checked_encoded_bytes(block_ + at, total - 1 - at);
    ASH_CHECK(encoded.has_value());
    const std::size_t next = at + *encoded + backlen_bytes(*encoded);
    ASH_CHECK(next < total && before(block_ + next) == block_ + at);
    const PackedValue value = get(ListpackPos{static_cast<std::uint32_t>(at)});
    DecimalBuffer buffer;
    const PackedItem item(value.text(buffer));
    ASH_CHECK(item.encoded_bytes() == *encoded && same(block_ + at, item));
    at = next;
    ++n;
  }
  ASH_CHECK(load_le<std::uint16_t>(block_ + 4) == std::min<std::size_t>(n, kCountUnknown));
}

std::uint8_t* Listpack::allocate(std::size_t total) {
  auto* block = static_cast<std::uint8_t*>(std::malloc(packed_block_bytes(total)));
  if (block == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return block;
}

Listpack::Listpack() : block_(allocate(ListpackView::kHeader + 1)) {
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
  Listpack out(allocate(blob.size()));
  std::size_t written = kHeader;
  std::size_t count = 0;
  std::size_t at = kHeader;
  while (at != end) {
    const auto encoded = checked_encoded_bytes(bytes + at, end - at);
    if (!encoded) return corrupt(at);
    const std::size_t backlen = backlen_bytes(*encoded);
    if (backlen > end - at - *encoded) return corrupt(at);
    std::array<std::uint8_t, 5> expected{};
    write_backlen(expected.data(), *encoded);
    if (std::memcmp(expected.data(), bytes + at + *encoded, backlen) != 0) return corrupt(at + *encoded);
    PackedValue value(std::int64_t{0});
    ListpackView::decode(bytes + at, value);
    const PackedItem item(value);
    item.write(out.block_ + written);
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
  Listpack copy(allocate(total));
  std::memcpy(copy.block_, block_, total);
  return copy;
}

std::uint8_t* Listpack::splice(std::size_t offset, std::size_t removed, std::size_t added) {
  const std::size_t old_total = size_bytes();
  const std::size_t new_total = old_total - removed + added;
  ASH_CHECK(new_total <= kBytesMax);
  const std::size_t tail = old_total - offset - removed;
  const auto resize = [this](std::size_t total) {
    auto* block = static_cast<std::uint8_t*>(std::realloc(block_, packed_block_bytes(total)));
    if (block == nullptr) [[unlikely]]
      throw std::bad_alloc();
    block_ = block;
  };
  const bool other_block = packed_block_bytes(old_total) != packed_block_bytes(new_total);
  if (added > removed && other_block) resize(new_total);
  if (added != removed) std::memmove(block_ + offset + added, block_ + offset + removed, tail);
  if (added < removed && other_block) resize(new_total);
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
  item.write(splice(static_cast<std::uint32_t>(at), 0, item.entry_bytes()));
  count_changed(0, 1);
}

void Listpack::replace(ListpackPos at, const PackedItem& item) {
  const std::uint8_t* old = view().ptr(at);
  const auto removed = static_cast<std::size_t>(ListpackView::after(old) - old);
  item.write(splice(static_cast<std::uint32_t>(at), removed, item.entry_bytes()));
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
  Listpack tail(allocate(ListpackView::kHeader + bytes + 1));
  store_le(tail.block_, static_cast<std::uint32_t>(ListpackView::kHeader + bytes + 1));
  std::memcpy(tail.block_ + ListpackView::kHeader, from, bytes + 1);
  const std::size_t moved = tail.view().count_slowly();
  tail.set_count(moved);
  splice(kept_offset, bytes, 0);
  count_changed(moved, 0);
  return tail;
}

}  // namespace ashlar::ds
