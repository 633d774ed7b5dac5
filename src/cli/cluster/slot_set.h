/// Sets of hash slots and the texts that stand for them.
///
/// Thread: values, any. Cost: 2 KiB a set.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace ashlar::cli::cluster {

/// Consecutive slots, both ends included. Invariant: first <= last.
struct SlotRange {
  SlotId first;
  SlotId last;

  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(last.value() - first.value()) + 1; }
  bool operator==(const SlotRange&) const = default;
};

/// "7" or "0-5460", as CLUSTER NODES writes owned slots. nullopt when it is neither, or out of range, or backwards.
[[nodiscard]] std::optional<SlotRange> parse_slot_range(std::string_view text) noexcept;

class SlotSet {
 public:
  SlotSet() = default;
  explicit SlotSet(std::span<const SlotRange> ranges);
  /// All 16384 slots.
  [[nodiscard]] static SlotSet full();

  void add(SlotId slot) { bits_.set(slot.value()); }
  void add(const SlotRange& range);
  void add(const SlotSet& other) { bits_ |= other.bits_; }
  void remove(SlotId slot) { bits_.reset(slot.value()); }

  [[nodiscard]] bool contains(SlotId slot) const { return bits_.test(slot.value()); }
  [[nodiscard]] std::size_t size() const noexcept { return bits_.count(); }
  [[nodiscard]] bool empty() const noexcept { return bits_.none(); }
  /// Slots that are not in this set.
  [[nodiscard]] SlotSet complement() const;
  /// Ascending.
  [[nodiscard]] std::vector<SlotId> slots() const;
  /// Ascending, as few as possible.
  [[nodiscard]] std::vector<SlotRange> ranges() const;
  /// "[0-5460],[7]", the form of the node tables; empty for the empty set.
  [[nodiscard]] std::string table_text() const;

  bool operator==(const SlotSet&) const = default;

 private:
  std::bitset<kSlotCount> bits_;
};

}  // namespace ashlar::cli::cluster
