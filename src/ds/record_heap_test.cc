#include "ds/record_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

struct Held {
  char* block;
  std::size_t size;
  char fill;
};

TEST(RecordHeap, KeepsEveryRecordWhileOthersComeAndGo) {
  Rng rng(1);
  RecordHeap heap;
  std::vector<Held> held;
  std::size_t live = 0;
  for (int step = 0; step < 60'000; ++step) {
    if (held.empty() || rng.chance(step < 30'000 ? 0.6 : 0.45)) {
      const std::size_t size = 1 + rng.below(rng.chance(0.05) ? 2000 : 256);
      auto* block = static_cast<char*>(heap.allocate(size));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % RecordHeap::kGrain, 0U);
      const char fill = static_cast<char>(rng.next());
      std::memset(block, fill, size);
      held.push_back({block, size, fill});
      if (!RecordHeap::is_large(size)) live += RecordHeap::block_bytes(size);
    } else {
      std::swap(held[rng.below(held.size())], held.back());
      const Held h = held.back();
      held.pop_back();
      for (std::size_t i = 0; i < h.size; ++i) ASSERT_EQ(h.block[i], h.fill);
      heap.release(h.block, h.size);
      if (!RecordHeap::is_large(h.size)) live -= RecordHeap::block_bytes(h.size);
    }
    ASSERT_GE(heap.live_bytes(), live);
  }
  for (const Held& h : held) heap.release(h.block, h.size);
  EXPECT_EQ(heap.live_bytes(), 0U);
  EXPECT_EQ(heap.large(), 0U);
  EXPECT_TRUE(heap.sparse());
}
TEST(RecordHeap, TakesTheSizeOfARecordAndLittleMore) {
  RecordHeap heap;
  for (int i = 0; i < 100'000; ++i) (void)heap.allocate(17);
  EXPECT_EQ(heap.live_bytes(), 2'000'000U);
  EXPECT_LT(heap.memory_bytes(), 2'030'000U);
}
TEST(RecordHeap, ReusesWhatWasGivenBackForSmallerRecords) {
  RecordHeap heap;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(heap.allocate(100));
  for (void* block : blocks) heap.release(block, 100);
  const std::size_t before = heap.memory_bytes();
  for (int i = 0; i < 1900; ++i) (void)heap.allocate(44);
  EXPECT_LE(heap.memory_bytes(), before + 16 * 1024);
}

}  // namespace
}  // namespace ashlar::ds
