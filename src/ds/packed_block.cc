#include "ds/packed_block.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace ashlar::ds {
namespace {

std::uint8_t* resized(std::uint8_t* block, std::size_t used) {
  auto* moved = static_cast<std::uint8_t*>(std::realloc(block, packed_block_bytes(used)));
  if (moved == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return moved;
}

}  // namespace

std::uint8_t* allocate_packed_block(std::size_t used) { return resized(nullptr, used); }

std::uint8_t* splice_packed_block(std::uint8_t* block, std::size_t used, const PackedSplice& splice) {
  const auto [offset, removed, added] = splice;
  const std::size_t now = used - removed + added;
  if (now == 0) {
    std::free(block);
    return nullptr;
  }
  const bool other_block = packed_block_bytes(used) != packed_block_bytes(now);
  if (added > removed && other_block) block = resized(block, now);
  if (added != removed) std::memmove(block + offset + added, block + offset + removed, used - offset - removed);
  if (added < removed && other_block) block = resized(block, now);
  return block;
}

}  // namespace ashlar::ds
