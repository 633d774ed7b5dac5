/// The newest bytes of the replication stream, so that a replica that was cut off briefly can go on where it was.
/// Pure; thread: one at a time. Offsets count bytes from the beginning of the history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::replication {

/// A ring. Invariant: 0 <= size() <= capacity(); begin() + size() == end(). Memory is taken as the bytes come,
/// and then kept.
class Backlog {
 public:
  /// `capacity` in bytes, at least 1.
  explicit Backlog(std::size_t capacity) noexcept : capacity_(capacity == 0 ? 1 : capacity) {}

  void append(std::string_view bytes);
  /// Offset of the oldest byte kept, and the one behind the newest.
  [[nodiscard]] std::int64_t begin() const noexcept { return end_ - static_cast<std::int64_t>(size_); }
  [[nodiscard]] std::int64_t end() const noexcept { return end_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  /// True when every byte from `offset` on is here; `end()` itself is (nothing is missing).
  [[nodiscard]] bool holds(std::int64_t offset) const noexcept { return offset >= begin() && offset <= end_; }
  /// The bytes from `offset` to the end. holds(offset).
  [[nodiscard]] std::string from(std::int64_t offset) const;

  /// Changes the capacity and keeps the newest bytes that fit.
  void resize(std::size_t capacity);
  /// Forgets all bytes; the next one has this offset.
  void reset(std::int64_t offset);

 private:
  void make_room(std::size_t bytes);

  std::size_t capacity_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  // index of the next byte in ring_
  std::int64_t end_ = 0;
  std::vector<char> ring_;  // one when it has grown to capacity_; before that its bytes stand in a row from its start
};

}  // namespace ashlar::replication
