#include "ds/record_heap.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "ds/packed_block.h"

namespace ashlar::ds {
namespace {

void* allocate_or_throw(std::size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

RecordHeap::~RecordHeap() {
  ASH_DCHECK(large_ == 0);
  while (chunks_ != nullptr) std::free(std::exchange(chunks_, chunks_->next));
}

void* RecordHeap::take_free(std::size_t bytes) noexcept {
  void*& head = free_[bytes / kGrain];
  void* block = head;
  if (block != nullptr) std::memcpy(&head, block, sizeof head);
  return block;
}

void RecordHeap::put_free(void* block, std::size_t bytes) noexcept {
  void*& head = free_[bytes / kGrain];
  std::memcpy(block, &head, sizeof head);
  head = block;
}

/// A free block that is longer by at least another block; the rest of it stays free.
void* RecordHeap::take_split(std::size_t bytes) noexcept {
  for (std::size_t longer = bytes + kBlockMin; longer <= kSmallMax; longer += kGrain) {
    if (free_[longer / kGrain] == nullptr) continue;
    char* block = static_cast<char*>(take_free(longer));
    put_free(block + bytes, longer - bytes);
    return block;
  }
  return nullptr;
}

void RecordHeap::add_chunk() {
  // What is left of the old one is at most kSmallMax long, and too short for the request.
  if (rest_ >= kBlockMin) put_free(next_, rest_);
  const std::size_t size = std::clamp(chunk_bytes_, kFirstChunk, kChunkMax);
  auto* chunk = static_cast<Chunk*>(allocate_or_throw(size));
  chunk->next = chunks_;
  chunk->size = size;
  chunks_ = chunk;
  chunk_bytes_ += size;
  next_ = reinterpret_cast<char*>(chunk + 1);
  rest_ = size - sizeof(Chunk);
}

void* RecordHeap::allocate(std::size_t size) {
  if (is_large(size)) {
    const std::size_t bytes = packed_block_bytes(size);
    void* memory = allocate_or_throw(bytes);
    large_bytes_ += bytes;
    ++large_;
    return memory;
  }
  const std::size_t bytes = block_bytes(size);
  void* block = take_free(bytes);
  if (block == nullptr && rest_ < bytes) {
    block = take_split(bytes);
    if (block == nullptr) add_chunk();
  }
  if (block == nullptr) {
    block = next_;
    next_ += bytes;
    rest_ -= bytes;
  }
  live_bytes_ += bytes;
  return block;
}

void RecordHeap::release(void* block, std::size_t size) noexcept {
  if (is_large(size)) {
    large_bytes_ -= packed_block_bytes(size);
    --large_;
    std::free(block);
    return;
  }
  const std::size_t bytes = block_bytes(size);
  live_bytes_ -= bytes;
  put_free(block, bytes);
}

void RecordHeap::adopt_large(RecordHeap& other) noexcept {
  large_ += std::exchange(other.large_, 0);
  large_bytes_ += std::exchange(other.large_bytes_, 0);
}

void RecordHeap::swap(RecordHeap& other) noexcept {
  std::swap(free_, other.free_);
  std::swap(chunks_, other.chunks_);
  std::swap(next_, other.next_);
  std::swap(rest_, other.rest_);
  std::swap(chunk_bytes_, other.chunk_bytes_);
  std::swap(live_bytes_, other.live_bytes_);
  std::swap(large_bytes_, other.large_bytes_);
  std::swap(large_, other.large_);
}

}  // namespace ashlar::ds
