#include "replication/backlog.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace ashlar::replication {

void Backlog::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t size = bytes.size() >= capacity_ ? capacity_ : std::min(capacity_, size_ + bytes.size());
  if (size > ring_.size()) [[unlikely]]
    make_room(size);
  end_ += static_cast<std::int64_t>(bytes.size());
  size_ = size;
  if (bytes.size() > capacity_) bytes.remove_prefix(bytes.size() - capacity_);
  const std::size_t first = std::min(bytes.size(), ring_.size() - next_);
  std::memcpy(ring_.data() + next_, bytes.data(), first);
  std::memcpy(ring_.data(), bytes.data() + first, bytes.size() - first);
  next_ = (next_ + bytes.size()) % ring_.size();
}

/// `bytes` are more than there is room for.
void Backlog::make_room(std::size_t bytes) {
  constexpr std::size_t kLeast = 64 * 1024;
  ring_.resize(std::min(capacity_, std::max({bytes, 2 * ring_.size(), kLeast})));
  next_ = size_;
}

std::string Backlog::from(std::int64_t offset) const {
  ASH_CHECK(holds(offset));
  const auto n = static_cast<std::size_t>(end_ - offset);
  if (n == 0) return {};
  const std::size_t start = (next_ + ring_.size() - n) % ring_.size();
  const std::size_t first = std::min(n, ring_.size() - start);
  std::string out(ring_.data() + start, first);
  out.append(ring_.data(), n - first);
  return out;
}

void Backlog::resize(std::size_t capacity) {
  capacity = std::max<std::size_t>(capacity, 1);
  if (capacity == capacity_) return;
  const std::int64_t keep_from = std::max(begin(), end_ - static_cast<std::int64_t>(capacity));
  const std::string kept = from(keep_from);
  ring_ = std::vector<char>();  // "= {}" would keep the memory
  capacity_ = capacity;
  reset(keep_from);
  append(kept);
}

void Backlog::reset(std::int64_t offset) {
  size_ = 0;
  next_ = 0;
  end_ = offset;
}

}  // namespace ashlar::replication
