#include "ds/ordered_map.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

/// Every way to look at a map must agree with the model.
template <typename Map, typename Model>
void expect_same(const Map& map, const Model& model) {
  map.check_invariants();
  ASSERT_EQ(map.size(), model.size());
  auto at = map.first();
  for (const auto& [key, value] : model) {
    ASSERT_TRUE(at.valid());
    EXPECT_EQ(at.key(), key);
    EXPECT_EQ(at.value(), value);
    at.next();
  }
  EXPECT_FALSE(at.valid());
  at = map.last();
  for (auto it = model.rbegin(); it != model.rend(); ++it) {
    ASSERT_TRUE(at.valid());
    EXPECT_EQ(at.key(), it->first);
    at.prev();
  }
  EXPECT_FALSE(at.valid());
}

template <typename Map, typename Model, typename Key>
void expect_same_seeks(const Map& map, const Model& model, const Key& key) {
  const auto up = model.lower_bound(key);
  const auto ge = map.seek_ge(key);
  ASSERT_EQ(ge.valid(), up != model.end());
  if (ge.valid()) {
    EXPECT_EQ(ge.key(), up->first);
  }
  auto down = model.upper_bound(key);
  const auto le = map.seek_le(key);
  ASSERT_EQ(le.valid(), down != model.begin());
  if (le.valid()) {
    EXPECT_EQ(le.key(), (--down)->first);
  }
  const auto* found = map.find(key);
  const auto it = model.find(key);
  ASSERT_EQ(found != nullptr, it != model.end());
  if (found != nullptr) {
    EXPECT_EQ(*found, it->second);
  }
}

TEST(OrderedMap, AgreesWithAStdMapUnderRandomInsertsErasesAndSeeks) {
  for (const std::uint64_t range : {3U, 40U, 500U, 20000U}) {
    OrderedMap<std::uint64_t, std::uint64_t> map;
    std::map<std::uint64_t, std::uint64_t> model;
    Rng rng(range);
    for (int phase = 0; phase < 6; ++phase) {
      const double insert_share = phase % 2 == 0 ? 0.8 : 0.2;
      for (int step = 0; step < 6000; ++step) {
        const std::uint64_t key = rng.below(range);
        if (rng.chance(insert_share)) {
          const auto inserted = map.insert(key, key * 3);
          EXPECT_EQ(inserted.fresh, model.emplace(key, key * 3).second);
          EXPECT_EQ(*inserted.value, key * 3);
        } else {
          EXPECT_EQ(map.erase(key), model.erase(key) == 1);
        }
        expect_same_seeks(map, model, rng.below(range + 1));
        if (step % 500 == 0) map.check_invariants();
      }
      expect_same(map, model);
    }
    map.clear();
    model.clear();
    expect_same(map, model);
  }
}

TEST(OrderedMap, AgreesWithAStdMapOfTextsThatOwnTheirValues) {
  OrderedMap<std::string, std::shared_ptr<int>> map;
  std::map<std::string, std::shared_ptr<int>> model;
  Rng rng(7);
  for (int step = 0; step < 20000; ++step) {
    const std::string key(rng.below(40), static_cast<char>('a' + rng.below(26)));
    if (rng.chance(step < 10000 ? 0.7 : 0.4)) {
      auto value = std::make_shared<int>(step);
      if (map.insert(key, value).fresh) model.emplace(key, value);
    } else {
      EXPECT_EQ(map.erase(std::string_view(key)), model.erase(key) == 1);
    }
  }
  expect_same(map, model);
  for (const auto& [key, value] : model) EXPECT_EQ(value.use_count(), 2) << key;
  map.clear();
  for (const auto& [key, value] : model) EXPECT_EQ(value.use_count(), 1) << key;
}

TEST(OrderedMap, IsFullWhenKeysComeInOrderAndShrinksWhenTheyLeaveFromTheFront) {
  OrderedMap<std::uint64_t, std::uint64_t> map;
  for (std::uint64_t i = 0; i < 100000; ++i) map.insert(i, i);
  map.check_invariants();
  EXPECT_LT(map.memory_bytes(), 100000U * 18);  // 16 bytes an item and what holds the leaves together
  for (std::uint64_t i = 0; i < 99999; ++i) ASSERT_TRUE(map.erase(i));
  map.check_invariants();
  EXPECT_LT(map.memory_bytes(), 1000U);
  EXPECT_EQ(map.first().key(), 99999U);
}

TEST(OrderedMap, CostsOneSmallNodeForOneItem) {
  OrderedMap<std::uint64_t, std::uint64_t> map;
  EXPECT_EQ(map.memory_bytes(), 0U);
  map.insert(1, 1);
  EXPECT_LE(map.memory_bytes(), 64U);
}

TEST(OrderedMap, KeepsTheOldValueWhenTheKeyIsThere) {
  OrderedMap<std::uint64_t, std::string> map;
  EXPECT_TRUE(map.insert(1, "old").fresh);
  EXPECT_FALSE(map.insert(1, "new").fresh);
  EXPECT_EQ(*map.find(1U), "old");
}

}  // namespace
}  // namespace ashlar::ds
