/// Gives memory back where nobody waits for it: big collections and whole tables go to a background thread, which frees
/// them one after another. Thread: discard() from any; the destructor ends when everything queued is freed.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "keyspace/slot.h"

namespace ashlar::keyspace {

class Reclaimer {
 public:
  Reclaimer() : executor_("reclaim") {}

  void discard(OwnedValue value, std::uint64_t bytes) {
    pending_bytes_ += bytes;
    submit(1, [this, bytes, value = std::move(value)]() mutable {
      value = OwnedValue{};
      pending_bytes_ -= bytes;
    });
  }
  /// Tables with all their entries.
  void discard(std::vector<EntryTable> tables) {
    std::uint64_t entries = 0;
    for (const EntryTable& table : tables) entries += table.size();
    submit(entries, [tables = std::move(tables)]() mutable {
      for (EntryTable& table : tables) {
        table.for_each([](const EntryTable::Word& word) { Entry::destroy(word.record()); });
        table.clear();
      }
    });
  }

  /// Keys whose memory is not given back yet, and all that ever was. Source: lazyfree_pending_objects and
  /// lazyfreed_objects of INFO.
  [[nodiscard]] std::uint64_t pending() const noexcept { return submitted_.load() - freed_.load(); }
  [[nodiscard]] std::uint64_t freed() const noexcept { return freed_.load(); }
  /// Bytes of values (not of whole tables) that are as good as free. Cost: one load.
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return pending_bytes_.load(std::memory_order_relaxed); }

 private:
  template <typename Work>
  void submit(std::uint64_t objects, Work work) {
    submitted_ += objects;
    executor_.submit([this, objects, work = std::move(work)]() mutable {
      work();
      freed_ += objects;
    });
  }

  std::atomic<std::uint64_t> submitted_{0};
  std::atomic<std::uint64_t> freed_{0};
  std::atomic<std::uint64_t> pending_bytes_{0};
  Executor executor_;  // last: it uses the others
};

}  // namespace ashlar::keyspace
