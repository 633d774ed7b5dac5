#include "base/buffer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace ashlar {
namespace {

constexpr std::size_t kSmallest = 256;  // below this, growing would only happen again at once

}  // namespace

ByteBuffer::~ByteBuffer() { std::free(data_); }

void ByteBuffer::grow(std::size_t n, Growth growth) {
  const std::size_t used = size();
  ASH_CHECK(n <= PTRDIFF_MAX - used);  // an allocation can never be larger
  const std::size_t needed = used + n;
  const auto dead = static_cast<std::size_t>(head_ - data_);
  // Moving costs `used`; consuming paid for it when at least as many bytes were dropped before.
  if (needed <= capacity() && dead >= used) {
    std::memmove(data_, head_, used);
    head_ = data_;
    tail_ = data_ + used;
    return;
  }
  const std::size_t doubled = capacity() <= PTRDIFF_MAX / 2 ? capacity() * 2 : needed;
  reallocate(std::max({needed, kSmallest, growth == Growth::kDouble ? doubled : 0}));
}

void ByteBuffer::reallocate(std::size_t capacity) {
  const std::size_t used = size();
  char* fresh = nullptr;
  if (head_ == data_) {
    fresh = static_cast<char*>(std::realloc(data_, capacity));
    ASH_CHECK(fresh != nullptr);
  } else {
    fresh = static_cast<char*>(std::malloc(capacity));
    ASH_CHECK(fresh != nullptr);
    std::memcpy(fresh, head_, used);
    std::free(data_);
  }
  data_ = head_ = fresh;
  tail_ = fresh + used;
  limit_ = fresh + capacity;
}

void ByteBuffer::erase(std::size_t offset, std::size_t n) noexcept {
  ASH_CHECK(offset <= size() && n <= size() - offset);
  const std::size_t behind = size() - offset - n;
  if (offset < behind) {
    if (offset > 0) std::memmove(head_ + n, head_, offset);
    consume_front(n);
  } else {
    if (behind > 0) std::memmove(head_ + offset, head_ + offset + n, behind);
    tail_ -= n;
  }
}

void ByteBuffer::shrink(std::size_t keep) {
  const std::size_t target = std::max(size(), keep);
  if (target > capacity() / 2) return;
  if (target == 0) {
    std::free(data_);
    data_ = head_ = tail_ = limit_ = nullptr;
    return;
  }
  reallocate(target);
}

}  // namespace ashlar
