/// Memory for the many small records of one owner: a large set or hash.
///
/// Blocks are cut from chunks one behind another, in steps of kGrain bytes without a header of their own, so a record
/// of 17 bytes takes 20. A block that is given back serves the next request of its size, or is split for smaller ones.
/// The chunks go back to the system all at once, when the heap does; then nobody walks the records. Records above
/// kSmallMax come from the C library. The owner remembers the size of every record.
///
/// Thread: none of its own; the owner locks. Invariants: live_bytes() is the sum of the blocks in use. Cost: O(1); the
/// destructor O(chunks). An owner whose heap has become sparse() copies its records into a fresh one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ashlar::ds {

class RecordHeap {
 public:
  static constexpr std::size_t kGrain = 4;
  static constexpr std::size_t kSmallMax = 256;

  RecordHeap() noexcept = default;
  RecordHeap(const RecordHeap&) = delete;
  RecordHeap& operator=(const RecordHeap&) = delete;
  /// Frees small records; large ones must have been released before.
  ~RecordHeap();

  /// Bytes that a record of `size` bytes really takes.
  [[nodiscard]] static constexpr std::size_t block_bytes(std::size_t size) noexcept {
    const std::size_t rounded = (size + kGrain - 1) / kGrain * kGrain;
    return rounded < kBlockMin ? kBlockMin : rounded;
  }
  [[nodiscard]] static constexpr bool is_large(std::size_t size) noexcept { return size > kSmallMax; }

  /// `size` > 0 bytes at an address divisible by kGrain. Aborts through bad_alloc when memory is out.
  [[nodiscard]] void* allocate(std::size_t size);
  /// Takes back what allocate(size) gave.
  void release(void* block, std::size_t size) noexcept;
  /// Makes the large records of `other` records of this heap.
  void adopt_large(RecordHeap& other) noexcept;
  void swap(RecordHeap& other) noexcept;

  /// How many large records there are: the owner must release them one by one.
  [[nodiscard]] std::uint64_t large() const noexcept { return large_; }
  [[nodiscard]] std::size_t live_bytes() const noexcept { return live_bytes_ + large_bytes_; }
  /// Bytes taken from the system.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return chunk_bytes_ + large_bytes_; }
  /// Whether less than a quarter of much memory is in use.
  [[nodiscard]] bool sparse() const noexcept { return chunk_bytes_ > kSparseMin && live_bytes_ < chunk_bytes_ / 4; }

 private:
  static constexpr std::size_t kBlockMin = 8;  // room for the link of a free block
  static constexpr std::size_t kFirstChunk = 512;
  // The largest class that jemalloc cuts from slabs: from 16 KiB on it adds a page to each allocation.
  static constexpr std::size_t kChunkMax = 14 * 1024;
  static constexpr std::size_t kSparseMin = 64 * 1024;
  static constexpr std::size_t kClasses = kSmallMax / kGrain + 1;

  struct Chunk {
    Chunk* next;
    std::size_t size;
  };

  [[nodiscard]] void* take_free(std::size_t bytes) noexcept;
  [[nodiscard]] void* take_split(std::size_t bytes) noexcept;
  void put_free(void* block, std::size_t bytes) noexcept;
  void add_chunk();

  std::array<void*, kClasses> free_{};  // by size / kGrain; linked through their first bytes
  Chunk* chunks_ = nullptr;
  char* next_ = nullptr;  // the uncut rest of the newest chunk
  std::size_t rest_ = 0;
  std::size_t chunk_bytes_ = 0;
  std::size_t live_bytes_ = 0;  // of small records
  std::size_t large_bytes_ = 0;
  std::uint64_t large_ = 0;
};

}  // namespace ashlar::ds
