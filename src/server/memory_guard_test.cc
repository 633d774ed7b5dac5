#include "server/memory_guard.h"

#include <gtest/gtest.h>

#include <limits>

namespace ashlar::server {
namespace {

TEST(MemoryGuard, EvictsForLongerTheMoreTenaciousItIs) {
  EXPECT_EQ(eviction_time(0), 0U);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_LT(eviction_time(i), eviction_time(i + 1)) << i;
  EXPECT_EQ(eviction_time(100), std::numeric_limits<Ticks>::max());
  EXPECT_EQ(eviction_time(1000), eviction_time(100));
}

}  // namespace
}  // namespace ashlar::server
