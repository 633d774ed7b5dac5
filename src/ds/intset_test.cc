#include "ds/intset.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST(Intset, WritesTheBytesThatRedisWrites) {
  Intset set;
  for (const int v : {3, -2, 1}) set.insert(v);
  EXPECT_EQ(set.blob(), "\x02\0\0\0\x03\0\0\0\xFE\xFF\x01\0\x03\0"s);
  set.insert(70000);
  EXPECT_EQ(set.blob(), "\x04\0\0\0\x04\0\0\0\xFE\xFF\xFF\xFF\x01\0\0\0\x03\0\0\0\x70\x11\x01\0"s);
}

TEST(Intset, WidensAtTheBoundsOfEachWidth) {
  const std::vector<std::pair<std::int64_t, std::size_t>> steps = {
      {32767, 2},      {-32768, 2},        {32768, 4}, {-2147483648LL, 4},
      {2147483647, 4}, {-2147483649LL, 8}, {kMax, 8},  {kMin, 8}};
  Intset set;
  std::set<std::int64_t> model;
  for (const auto& [value, width] : steps) {
    EXPECT_TRUE(set.insert(value));
    EXPECT_FALSE(set.insert(value));
    model.insert(value);
    EXPECT_EQ(set.width(), width) << value;
    EXPECT_EQ(std::vector<std::int64_t>(model.begin(), model.end()), [&] {
      std::vector<std::int64_t> out;
      for (const std::int64_t v : set) out.push_back(v);
      return out;
    }());
  }
}

TEST(Intset, AgreesWithASetUnderRandomChanges) {
  for (const unsigned bits : {6U, 15U, 17U, 33U, 64U}) {
    Rng rng(bits);
    Intset set;
    std::set<std::int64_t> model;
    for (int step = 0; step < 4000; ++step) {
      const auto value = static_cast<std::int64_t>(rng.next()) >> (64 - bits);
      if (rng.chance(0.6)) {
        ASSERT_EQ(set.insert(value), model.insert(value).second);
      } else {
        const std::int64_t victim = model.empty() || rng.chance(0.5) ? value : *model.begin();
        ASSERT_EQ(set.erase(victim), model.erase(victim) == 1);
      }
      ASSERT_EQ(set.contains(value), model.contains(value));
      ASSERT_EQ(set.size(), model.size());
      const auto below = static_cast<std::size_t>(std::distance(model.begin(), model.lower_bound(value)));
      ASSERT_EQ(set.lower_bound(value), below);
      if (step % 64 == 0) set.check_invariants();
    }
    const auto loaded = Intset::validated(set.blob());
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->blob(), set.blob());
  }
}

TEST(Intset, AnswersForValuesWiderThanItsElements) {
  Intset set;
  set.insert(5);
  for (const std::int64_t v : {kMax, kMin, std::int64_t{65541}}) {
    EXPECT_FALSE(set.contains(v));
    EXPECT_FALSE(set.erase(v));
  }
}

TEST(Intset, ValidationRefusesBadWidthsSizesAndOrder) {
  EXPECT_FALSE(Intset::validated("").has_value());
  EXPECT_FALSE(Intset::validated("\x02\0\0\0\x01\0\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x03\0\0\0\x01\0\0\0\x01\0\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x02\0\0\0\x02\0\0\0\x01\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x02\0\0\0\x01\0\0\0\x01\0\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x08\0\0\0\xFF\xFF\xFF\xFF\x01\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x02\0\0\0\x02\0\0\0\x01\0\x01\0"s).has_value());
  EXPECT_FALSE(Intset::validated("\x02\0\0\0\x02\0\0\0\x02\0\x01\0"s).has_value());
  EXPECT_TRUE(Intset::validated("\x02\0\0\0\x02\0\0\0\x01\0\x02\0"s).has_value());
}

}  // namespace
}  // namespace ashlar::ds
