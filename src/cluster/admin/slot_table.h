/// What the loops must know of each slot to serve a command, as one byte each: the fast path of routing.
/// Thread: the control thread writes; any loop reads with one relaxed load.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "cluster/core/view.h"

namespace ashlar::cluster {

enum class SlotService : std::uint8_t {
  kElsewhere,  // ask the view
  kMine,       // serve without further questions
};

class SlotTable {
 public:
  [[nodiscard]] SlotService of(SlotId slot) const noexcept {
    return services_[slot.value()].load(std::memory_order_relaxed);
  }
  /// Takes over a new view.
  void update(const View& view) {
    for (std::uint32_t i = 0; i < kSlotCount; ++i) {
      const SlotId slot = SlotId::wrap(i);
      const bool plain = view.state() == ClusterState::kOk && view.is_mine(slot) && !view.open_slots().contains(slot);
      services_[i].store(plain ? SlotService::kMine : SlotService::kElsewhere, std::memory_order_relaxed);
    }
  }

 private:
  std::array<std::atomic<SlotService>, kSlotCount> services_{};
};

}  // namespace ashlar::cluster
