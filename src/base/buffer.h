/// One contiguous, growable run of bytes: filled at the back, consumed at the front.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace ashlar {

/// A byte queue in one allocation, never zero-filled, for socket input and for replies.
///
/// Thread: one. Limits on the size are the owner's matter; running out of memory ends the process.
/// Invariant: data_ <= head_ <= tail_ <= limit_; all four are null before the first byte.
/// Cost: appending is amortised O(1) a byte; consuming is O(1) and moves nothing.
/// Views and pointers into it live until the next call that is not const.
class ByteBuffer {
 public:
  ByteBuffer() noexcept = default;
  ~ByteBuffer();
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        limit_(std::exchange(other.limit_, nullptr)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  void swap(ByteBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(limit_, other.limit_);
  }

  /// The bytes that were committed and not yet consumed.
  [[nodiscard]] std::string_view view() const noexcept { return {head_, size()}; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(tail_ - head_); }
  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  /// Bytes of memory held, for accounting.
  [[nodiscard]] std::size_t capacity() const noexcept { return static_cast<std::size_t>(limit_ - data_); }
  /// Room at the back that reserve_back() can give without moving anything.
  [[nodiscard]] std::size_t free_back() const noexcept { return static_cast<std::size_t>(limit_ - tail_); }

  /// Adds `bytes`, which must not lie inside this buffer.
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(reserve_back(bytes.size()), bytes.data(), bytes.size());
    tail_ += bytes.size();
  }
  void push_back(char c) {
    *reserve_back(1) = c;
    ++tail_;
  }

  /// At least `n` writable bytes behind the content; capacity at least doubles when it has to grow.
  [[nodiscard]] char* reserve_back(std::size_t n) {
    if (n > free_back()) [[unlikely]]
      grow(n, Growth::kDouble);
    return tail_;
  }
  /// The same, but grows to what is needed and no further: for a value whose length is known.
  [[nodiscard]] char* reserve_back_exact(std::size_t n) {
    if (n > free_back()) grow(n, Growth::kExact);
    return tail_;
  }
  /// Makes `n` bytes that were written behind the content part of it. n <= free_back().
  void commit(std::size_t n) noexcept {
    ASH_DCHECK(n <= free_back());
    tail_ += n;
  }

  /// Drops the first `n` bytes. n <= size().
  void consume_front(std::size_t n) noexcept {
    ASH_DCHECK(n <= size());
    head_ += n;
    if (head_ == tail_) head_ = tail_ = data_;
  }
  /// Keeps the first `n` bytes only. n <= size().
  void truncate(std::size_t n) noexcept {
    ASH_DCHECK(n <= size());
    tail_ = head_ + n;
  }
  /// Drops everything, keeps the memory.
  void clear() noexcept { head_ = tail_ = data_; }

  /// The content, writable in place.
  [[nodiscard]] char* mutable_data() noexcept { return head_; }
  /// Cuts `n` bytes out at `offset`, moving whichever side is shorter. offset + n <= size().
  void erase(std::size_t offset, std::size_t n) noexcept;

  /// Gives back memory beyond max(size(), keep) when at least half of the allocation would be saved; call it when the
  /// owner has been idle. With `keep` 0 an empty buffer holds no memory at all.
  void shrink(std::size_t keep);

 private:
  enum class Growth : unsigned char { kDouble, kExact };
  void grow(std::size_t n, Growth growth);
  void reallocate(std::size_t capacity);

  char* data_ = nullptr;   // the allocation
  char* head_ = nullptr;   // first byte of the content
  char* tail_ = nullptr;   // behind its last byte
  char* limit_ = nullptr;  // behind the allocation
};

}  // namespace ashlar
