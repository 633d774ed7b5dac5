#include "ds/intset.h"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace ashlar::ds {
namespace {

template <typename T>
constexpr bool fits(std::int64_t value) noexcept {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

constexpr std::size_t width_for(std::int64_t value) noexcept {
  if (fits<std::int16_t>(value)) return 2;
  return fits<std::int32_t>(value) ? 4 : 8;
}

/// Index of the first of `count` ascending elements that is not below `value`. The loop has no data-dependent branch.
template <typename Signed, typename Unsigned>
std::size_t first_not_below(const std::uint8_t* elements, std::size_t count, std::int64_t value) noexcept {
  const auto element = [elements](std::size_t i) {
    return static_cast<Signed>(load_le<Unsigned>(elements + i * sizeof(Signed)));
  };
  std::size_t base = 0;
  while (count > 1) {
    const std::size_t half = count / 2;
    base += element(base + half - 1) < value ? half : 0;
    count -= half;
  }
  return count == 1 && element(base) < value ? base + 1 : base;
}

}  // namespace

std::uint8_t* Intset::allocate(std::size_t width, std::size_t size) {
  auto* block = static_cast<std::uint8_t*>(std::malloc(packed_block_bytes(kHeader + width * size)));
  if (block == nullptr) [[unlikely]]
    throw std::bad_alloc();
  store_le(block, static_cast<std::uint32_t>(width));
  store_le(block + 4, static_cast<std::uint32_t>(size));
  return block;
}

Intset::Intset() : block_(allocate(2, 0)) {}

Intset::~Intset() { std::free(block_); }

Result<Intset> Intset::validated(std::string_view blob) {
  const auto corrupt = [] { return fail(ErrorCode::kCorrupt, "bad intset"); };
  if (blob.size() < kHeader) return corrupt();
  const std::size_t width = load_le<std::uint32_t>(blob.data());
  const std::size_t size = load_le<std::uint32_t>(blob.data() + 4);
  if (width != 2 && width != 4 && width != 8) return corrupt();
  if ((blob.size() - kHeader) % width != 0 || (blob.size() - kHeader) / width != size) return corrupt();
  Intset set(allocate(width, size));
  std::memcpy(set.block_, blob.data(), blob.size());
  for (std::size_t i = 1; i < size; ++i) {
    if (set.load(width, i - 1) >= set.load(width, i)) return corrupt();
  }
  return set;
}

Intset Intset::clone() const {
  Intset copy(allocate(width(), size()));
  std::memcpy(copy.block_, block_, size_bytes());
  return copy;
}

void Intset::store(std::size_t width, std::size_t index, std::int64_t value) noexcept {
  std::uint8_t* p = block_ + kHeader + index * width;
  const auto bits = static_cast<std::uint64_t>(value);
  if (width == 2) {
    store_le(p, static_cast<std::uint16_t>(bits));
  } else if (width == 4) {
    store_le(p, static_cast<std::uint32_t>(bits));
  } else {
    store_le(p, bits);
  }
}

std::size_t Intset::lower_bound(std::int64_t value) const noexcept {
  const std::uint8_t* elements = block_ + kHeader;
  switch (width()) {
    case 2: return first_not_below<std::int16_t, std::uint16_t>(elements, size(), value);
    case 4: return first_not_below<std::int32_t, std::uint32_t>(elements, size(), value);
    default: return first_not_below<std::int64_t, std::uint64_t>(elements, size(), value);
  }
}

bool Intset::contains(std::int64_t value) const noexcept {
  const std::size_t index = lower_bound(value);
  return index < size() && at(index) == value;
}

void Intset::resize(std::size_t old_bytes, std::size_t new_bytes) {
  if (packed_block_bytes(old_bytes) == packed_block_bytes(new_bytes)) return;
  auto* block = static_cast<std::uint8_t*>(std::realloc(block_, packed_block_bytes(new_bytes)));
  if (block == nullptr) [[unlikely]]
    throw std::bad_alloc();
  block_ = block;
}

void Intset::widen_with(std::int64_t value, std::size_t width) {
  const std::size_t count = size();
  Intset wide(allocate(width, count + 1));
  const std::size_t shift = value < 0 ? 1 : 0;
  for (std::size_t i = 0; i < count; ++i) wide.store(width, i + shift, at(i));
  wide.store(width, value < 0 ? 0 : count, value);
  *this = std::move(wide);
}

bool Intset::insert(std::int64_t value) {
  const std::size_t width = this->width();
  const std::size_t count = size();
  if (width_for(value) > width) {
    widen_with(value, width_for(value));
    return true;
  }
  const std::size_t index = lower_bound(value);
  if (index < count && at(index) == value) return false;
  ASH_CHECK(count < std::numeric_limits<std::uint32_t>::max());
  const std::size_t old_bytes = size_bytes();
  resize(old_bytes, old_bytes + width);
  std::uint8_t* place = block_ + kHeader + index * width;
  std::memmove(place + width, place, (count - index) * width);
  store(width, index, value);
  store_le(block_ + 4, static_cast<std::uint32_t>(count + 1));
  return true;
}

bool Intset::erase(std::int64_t value) {
  const std::size_t width = this->width();
  const std::size_t count = size();
  const std::size_t index = lower_bound(value);
  if (index == count || at(index) != value) return false;
  const std::size_t old_bytes = size_bytes();
  std::uint8_t* place = block_ + kHeader + index * width;
  std::memmove(place, place + width, (count - index - 1) * width);
  store_le(block_ + 4, static_cast<std::uint32_t>(count - 1));
  resize(old_bytes, old_bytes - width);
  return true;
}

void Intset::check_invariants() const {
  ASH_CHECK(width() == 2 || width() == 4 || width() == 8);
  for (std::size_t i = 1; i < size(); ++i) ASH_CHECK(at(i - 1) < at(i));
}

}  // namespace ashlar::ds
