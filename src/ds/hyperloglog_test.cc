#include "ds/hyperloglog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "base/rng.h"

namespace ashlar::ds::hll {
namespace {

constexpr std::size_t kUsualMax = 3000;

Registers registers_of(std::string_view bytes) {
  Registers registers{};
  merge_into(registers, bytes);
  return registers;
}

// Positions and ranks that redis-server 7.0.15 gives these elements (PFDEBUG DECODE).
TEST(HyperLogLog, PutsElementsWhereRedisPutsThem) {
  std::string bytes = make_empty();
  for (const char* element : {"a", "b", "c"}) EXPECT_TRUE(raise(bytes, mark_of(element), kUsualMax));
  EXPECT_EQ(describe_sparse(bytes), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
}

TEST(HyperLogLog, SparseAndDenseAgreeWithAModelUnderRandomMarks) {
  for (const std::size_t bytes_max : {60UL, 3000UL, 20000UL}) {
    Rng rng(bytes_max);
    std::string bytes = make_empty();
    Registers model{};
    for (int step = 0; step < 6000; ++step) {
      // Near neighbours with few ranks: runs are split and joined all the time.
      const Mark mark{static_cast<std::uint32_t>(rng.chance(0.9) ? rng.below(300) : rng.below(kRegisters)),
                      static_cast<std::uint8_t>(1 + rng.below(rng.chance(0.99) ? 6 : 32))};
      const bool higher = model[mark.index] < mark.rank;
      EXPECT_EQ(raise(bytes, mark, bytes_max), higher);
      model[mark.index] = std::max(model[mark.index], mark.rank);
      ASSERT_TRUE(recognise(bytes).has_value());
      ASSERT_TRUE(is_well_formed(bytes));
      if (recognise(bytes) == Encoding::kSparse) {
        EXPECT_LE(bytes.size(), bytes_max);
      }
      if (step % 100 == 0) {
        ASSERT_EQ(registers_of(bytes), model);
        EXPECT_EQ(estimate(bytes), estimate(model));
      }
    }
    std::string dense = bytes;
    make_dense(dense);
    EXPECT_EQ(registers_of(dense), model);
    for (std::size_t i = 0; i < kRegisters; ++i) ASSERT_EQ(dense_get(dense, i), model[i]);
  }
}

TEST(HyperLogLog, JoinsEqualNeighbours) {
  std::string bytes = make_empty();
  for (std::uint32_t i = 0; i < 6; ++i) raise(bytes, {i, 2}, kUsualMax);
  EXPECT_EQ(describe_sparse(bytes), "v:2,4 v:2,2 Z:16378");
}

TEST(HyperLogLog, BecomesDenseForARankThatSparseCannotHold) {
  std::string bytes = make_empty();
  EXPECT_TRUE(raise(bytes, {16383, 32}, kUsualMax));
  EXPECT_EQ(recognise(bytes), Encoding::kSparse);
  EXPECT_TRUE(raise(bytes, {16383, 33}, kUsualMax));
  EXPECT_EQ(recognise(bytes), Encoding::kDense);
  EXPECT_EQ(dense_get(bytes, 16383), 33);
  EXPECT_FALSE(raise(bytes, {16383, 33}, kUsualMax));
}

TEST(HyperLogLog, EstimatesWithinAFewPercent) {
  std::string bytes = make_empty();
  EXPECT_EQ(estimate(bytes), 0U);
  std::uint64_t added = 0;
  for (const std::uint64_t n : {10U, 100U, 1000U, 10000U, 100000U}) {
    for (; added < n; ++added) raise(bytes, mark_of("element " + std::to_string(added)), kUsualMax);
    EXPECT_NEAR(static_cast<double>(estimate(bytes)), static_cast<double>(n), 0.03 * static_cast<double>(n));
  }
}

TEST(HyperLogLog, RemembersItsEstimateUntilSomethingChanges) {
  std::string bytes = make_empty();
  EXPECT_EQ(cached_estimate(bytes), 0U);
  raise(bytes, mark_of("a"), kUsualMax);
  EXPECT_EQ(cached_estimate(bytes), std::nullopt);
  cache_estimate(bytes, 1);
  EXPECT_EQ(cached_estimate(bytes), 1U);
  raise(bytes, mark_of("a"), kUsualMax);
  EXPECT_EQ(cached_estimate(bytes), 1U);
}

TEST(HyperLogLog, RecognisesOnlyItsOwn) {
  EXPECT_FALSE(recognise("").has_value());
  EXPECT_FALSE(recognise("HYLL").has_value());
  std::string bytes = make_empty();
  EXPECT_TRUE(is_well_formed(bytes));
  EXPECT_FALSE(is_well_formed(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(is_well_formed(bytes + '\0'));
  bytes[4] = 2;
  EXPECT_FALSE(recognise(bytes).has_value());
  bytes[4] = 0;
  EXPECT_FALSE(recognise(bytes).has_value());  // dense, but too short
}

}  // namespace
}  // namespace ashlar::ds::hll
