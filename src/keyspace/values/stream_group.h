/// A consumer group of a stream: what was delivered to whom and is not acknowledged yet.
///
/// Every pending entry stands twice: in the group with its consumer, time and count, and in that consumer's own set.
/// Times are Unix milliseconds. Thread: none of its own. Invariants (check_invariants()): the group's pending entries
/// and those of all its consumers are the same, each with its owner. Cost: O(log n) for each pending entry touched.
/// Pointers to consumers live until the consumer is erased, those to pending entries until the next change of the
/// group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ds/ordered_map.h"
#include "keyspace/values/stream_id.h"

namespace ashlar::keyspace {

/// What a consumer has in hand.
using StreamIdSet = ds::OrderedMap<StreamId, ds::NoValue>;

struct StreamConsumer {
  StreamConsumer(std::string_view name, std::int64_t seen_ms) noexcept : name(name), seen_ms(seen_ms) {}
  std::string_view name;                  // the group's copy
  std::int64_t seen_ms;                   // last tried to read or claim
  std::optional<std::int64_t> active_ms;  // last got an entry; nullopt: never
  StreamIdSet pending;
};

/// An entry that was delivered and not acknowledged.
struct StreamPending {
  StreamConsumer* consumer = nullptr;  // never null once assigned
  std::int64_t delivered_ms = 0;
  std::uint64_t deliveries = 0;
};

class StreamGroup {
 public:
  using Consumers = std::map<std::string, StreamConsumer, std::less<>>;
  using Pending = ds::OrderedMap<StreamId, StreamPending>;

  /// How many entries had been added to the stream up to last_id; nullopt when that is not known.
  using EntriesRead = std::optional<std::int64_t>;

  StreamGroup(StreamId last_id, EntriesRead entries_read) noexcept : last_id(last_id), entries_read(entries_read) {}
  StreamGroup(const StreamGroup&) = delete;
  StreamGroup& operator=(const StreamGroup&) = delete;

  StreamId last_id;  // of the last entry delivered
  EntriesRead entries_read;

  [[nodiscard]] const Consumers& consumers() const noexcept { return consumers_; }
  [[nodiscard]] StreamConsumer* find_consumer(std::string_view name) noexcept;
  /// The consumer of that name, which may be new: then it was seen at `now_ms` and never active.
  struct Created {
    StreamConsumer& consumer;
    bool fresh;
  };
  Created consumer(std::string_view name, std::int64_t now_ms);
  /// Removes a consumer with its pending entries; returns how many there were, nullopt when there is no such consumer.
  std::optional<std::size_t> erase_consumer(std::string_view name);

  [[nodiscard]] const Pending& pending() const noexcept { return pending_; }
  [[nodiscard]] StreamPending* find_pending(StreamId id) noexcept { return pending_.find(id); }
  /// Makes `id` pending with `consumer`, taking it from whoever had it. A new one has time and count 0. Creates nothing
  /// but that: time and count are the caller's.
  StreamPending& assign(StreamId id, StreamConsumer& consumer);
  /// Forgets a pending entry; false when there is none.
  bool acknowledge(StreamId id);

  /// Copies consumers and pending entries of `other` into this group, which has none.
  void copy_from(const StreamGroup& other);
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  void check_invariants() const;

 private:
  Consumers consumers_;
  Pending pending_;
};

}  // namespace ashlar::keyspace
