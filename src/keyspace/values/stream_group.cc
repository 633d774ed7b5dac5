#include "keyspace/values/stream_group.h"

#include "base/check.h"

namespace ashlar::keyspace {

StreamConsumer* StreamGroup::find_consumer(std::string_view name) noexcept {
  const auto it = consumers_.find(name);
  return it == consumers_.end() ? nullptr : &it->second;
}

StreamGroup::Created StreamGroup::consumer(std::string_view name, std::int64_t now_ms) {
  if (StreamConsumer* found = find_consumer(name)) return {*found, false};
  const auto it = consumers_.try_emplace(std::string(name), std::string_view(), now_ms).first;
  it->second.name = it->first;
  return {it->second, true};
}

std::optional<std::size_t> StreamGroup::erase_consumer(std::string_view name) {
  const auto it = consumers_.find(name);
  if (it == consumers_.end()) return std::nullopt;
  for (auto at = it->second.pending.first(); at.valid(); at.next()) pending_.erase(at.key());
  const std::size_t n = it->second.pending.size();
  consumers_.erase(it);
  return n;
}

StreamPending& StreamGroup::assign(StreamId id, StreamConsumer& consumer) {
  StreamPending& entry = *pending_.insert(id, {}).value;
  if (entry.consumer != &consumer) {
    if (entry.consumer != nullptr) entry.consumer->pending.erase(id);
    consumer.pending.insert(id, {});
    entry.consumer = &consumer;
  }
  return entry;
}

bool StreamGroup::acknowledge(StreamId id) {
  const StreamPending* entry = pending_.find(id);
  if (entry == nullptr) return false;
  entry->consumer->pending.erase(id);
  pending_.erase(id);
  return true;
}

void StreamGroup::copy_from(const StreamGroup& other) {
  for (const auto& [name, from] : other.consumers_) {
    StreamConsumer& to = consumer(name, from.seen_ms).consumer;
    to.active_ms = from.active_ms;
  }
  for (auto at = other.pending_.first(); at.valid(); at.next()) {
    StreamPending& to = assign(at.key(), *find_consumer(at.value().consumer->name));
    to.delivered_ms = at.value().delivered_ms;
    to.deliveries = at.value().deliveries;
  }
}

std::size_t StreamGroup::memory_bytes() const noexcept {
  constexpr std::size_t kTreeNode = 32;  // of a std::map, beside the pair in it
  std::size_t bytes = sizeof(*this) + pending_.memory_bytes();
  for (const auto& [name, consumer] : consumers_) {
    bytes += kTreeNode + sizeof(Consumers::value_type) + consumer.pending.memory_bytes();
    if (name.capacity() > std::string().capacity()) bytes += name.capacity() + 1;
  }
  return bytes;
}

void StreamGroup::check_invariants() const {
  pending_.check_invariants();
  std::size_t total = 0;
  for (const auto& [name, consumer] : consumers_) {
    ASH_CHECK(consumer.name == name);
    consumer.pending.check_invariants();
    total += consumer.pending.size();
    for (auto at = consumer.pending.first(); at.valid(); at.next()) {
      const StreamPending* entry = pending_.find(at.key());
      ASH_CHECK(entry != nullptr && entry->consumer == &consumer);
    }
  }
  ASH_CHECK(total == pending_.size());
}

}  // namespace ashlar::keyspace
