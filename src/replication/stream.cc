#include "replication/stream.h"

#include <algorithm>
#include <utility>

namespace ashlar::replication {

void Stream::append(std::string_view records) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    backlog_.append(records);
    received_ += records.size();
    end_.store(backlog_.end(), std::memory_order_release);
    if (has_readers_) {
      wake = pending_.empty();
      pending_ += records;
      waiting_.store(pending_.capacity(), std::memory_order_relaxed);
    }
  }
  if (wake) wake_();
}

void Stream::set_readers(Readers readers) {
  MutexLock lock(mutex_);
  has_readers_ = readers == Readers::kSome;
  if (has_readers_) return;
  pending_ = std::string();  // not {}, which keeps the memory
  waiting_.store(0, std::memory_order_relaxed);
}

std::shared_ptr<Block> Stream::take(std::shared_ptr<CountedMemory::Counter> held) {
  auto block = std::make_shared<Block>();
  MutexLock lock(mutex_);
  if (pending_.empty()) return nullptr;
  block->bytes.swap(pending_);
  block->memory = CountedMemory(std::move(held), block->bytes.capacity());
  waiting_.store(0, std::memory_order_relaxed);
  block->begin = backlog_.end() - static_cast<std::int64_t>(block->bytes.size());
  return block;
}

History Stream::history() const {
  MutexLock lock(mutex_);
  return {id_, second_id_, second_offset_, backlog_.end(), backlog_.begin(), backlog_.size(), backlog_.capacity()};
}

bool Stream::knows(const NodeId& id, std::int64_t position) const {
  // The second history is ours up to the byte before second_offset_, which counts from 1.
  return id == id_ || (!second_id_.is_zero() && id == second_id_ && position < second_offset_);
}

std::optional<NodeId> Stream::continues(const NodeId& id, std::int64_t position) const {
  MutexLock lock(mutex_);
  return position <= backlog_.end() && knows(id, position) ? std::optional(id_) : std::nullopt;
}

std::optional<Continuation> Stream::resume(const NodeId& id, std::int64_t position) const {
  MutexLock lock(mutex_);
  if (!knows(id, position) || !backlog_.holds(position)) return std::nullopt;
  return Continuation{id_, position, backlog_.from(position)};
}

std::int64_t Stream::offset_of(std::uint64_t recorded) const {
  MutexLock lock(mutex_);
  if (recorded == 0) return 0;
  const std::uint64_t behind = received_ - std::min(received_, recorded);
  return std::max<std::int64_t>(0, backlog_.end() - static_cast<std::int64_t>(behind));
}

void Stream::rename(NodeId id) {
  MutexLock lock(mutex_);
  second_id_ = std::exchange(id_, id);
  second_offset_ = backlog_.end() + 1;
}

void Stream::restart(NodeId id, std::int64_t offset) {
  MutexLock lock(mutex_);
  id_ = id;
  second_id_ = NodeId();
  second_offset_ = -1;
  pending_ = std::string();  // not {}, which keeps the memory
  waiting_.store(0, std::memory_order_relaxed);
  backlog_.reset(offset);
  end_.store(offset, std::memory_order_release);
}

void Stream::resize_backlog(std::size_t bytes) {
  MutexLock lock(mutex_);
  backlog_.resize(bytes);
}

}  // namespace ashlar::replication
