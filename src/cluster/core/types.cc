#include "cluster/core/types.h"

#include <bit>

#include "base/bytes.h"

namespace ashlar::cluster {

SlotBitmap SlotBitmap::from_bytes(const std::array<std::uint8_t, kBytes>& bytes) noexcept {
  SlotBitmap map;
  map.bytes_ = bytes;
  return map;
}

std::uint16_t SlotBitmap::count() const noexcept {
  int n = 0;
  for (std::size_t i = 0; i < kBytes; i += 8) n += std::popcount(load_le<std::uint64_t>(&bytes_[i]));
  return static_cast<std::uint16_t>(n);
}

std::vector<SlotRange> SlotBitmap::ranges() const {
  std::vector<SlotRange> out;
  for (std::uint32_t s = 0; s < kSlotCount; ++s) {
    if (bytes_[s / 8] == 0) {
      s |= 7;  // the whole byte is empty
      continue;
    }
    const SlotId slot = SlotId::wrap(s);
    if (!test(slot)) continue;
    if (!out.empty() && out.back().last.value() + 1U == s) {
      out.back().last = slot;
    } else {
      out.push_back({slot, slot});
    }
  }
  return out;
}

}  // namespace ashlar::cluster
