/// The blocks of malloc that packed structures (listpack, intset, packed pairs) live in.
///
/// A packed structure keeps no capacity of its own: its block always has packed_block_bytes(used) bytes. The steps are
/// the size classes of jemalloc above 8 bytes (16 apart up to 128, then four in each doubling), so rounding costs
/// nothing that the allocator would not take anyway, and most insertions need no realloc. Thread: any.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar::ds {

/// Bytes to allocate for `used` bytes of content; at least `used`, at most 1.25 times as much above 128. `used` > 0.
[[nodiscard]] constexpr std::size_t packed_block_bytes(std::size_t used) noexcept {
  if (used <= 128) return (used + 15) & ~std::size_t{15};
  const std::size_t step = std::size_t{1} << (std::bit_width(used - 1) - 3);
  return (used + step - 1) & ~(step - 1);
}

/// A block for `used` bytes of content. `used` > 0.
[[nodiscard]] std::uint8_t* allocate_packed_block(std::size_t used);

/// `removed` bytes at `offset` become `added` bytes of room.
struct PackedSplice {
  std::size_t offset;
  std::size_t removed;
  std::size_t added;
};
/// Changes a block with `used` bytes of content, moving what follows; nullptr stands for no block and no content,
/// before and after. Returns the block, which may be another one.
[[nodiscard]] std::uint8_t* splice_packed_block(std::uint8_t* block, std::size_t used, const PackedSplice& splice);

}  // namespace ashlar::ds
