/// One or more slots, locked in ascending order; the only way to their data.
/// Thread: the one that made it. Cost for one slot: one exchange, one store. Never waits for anything but other guards.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/check.h"
#include "keyspace/keyspace.h"

namespace ashlar::keyspace {

class SlotGuard {
 public:
  /// Locks the slots of all `keys`.
  SlotGuard(Keyspace& keyspace, std::span<const KeyRef> keys) : keyspace_(keyspace) {
    ASH_DCHECK(!keys.empty());
    first_ = keys[0].slot;
    for (const KeyRef& key : keys.subspan(1)) {
      if (key.slot != first_) {
        lock_many(keys);
        return;
      }
    }
    keyspace_.slot(first_).lock.lock();
  }
  SlotGuard(Keyspace& keyspace, SlotId slot) : keyspace_(keyspace), first_(slot) { keyspace_.slot(slot).lock.lock(); }
  ~SlotGuard() {
    if (many_.empty()) [[likely]] {
      keyspace_.slot(first_).lock.unlock();
      return;
    }
    for (const SlotId slot : many_) keyspace_.slot(slot).lock.unlock();
  }
  SlotGuard(const SlotGuard&) = delete;
  SlotGuard& operator=(const SlotGuard&) = delete;

  [[nodiscard]] Keyspace& keyspace() const noexcept { return keyspace_; }
  [[nodiscard]] bool holds(SlotId slot) const noexcept {
    return many_.empty() ? slot == first_ : std::binary_search(many_.begin(), many_.end(), slot);
  }

 private:
  void lock_many(std::span<const KeyRef> keys) {
    many_.reserve(keys.size());
    for (const KeyRef& key : keys) many_.push_back(key.slot);
    std::sort(many_.begin(), many_.end());
    many_.erase(std::unique(many_.begin(), many_.end()), many_.end());
    for (const SlotId slot : many_) keyspace_.slot(slot).lock.lock();
  }

  Keyspace& keyspace_;
  SlotId first_;
  std::vector<SlotId> many_;  // empty when there is one slot; sorted, unique
};

}  // namespace ashlar::keyspace
