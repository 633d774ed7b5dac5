#include "ds/dense_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace ashlar::ds {
namespace {

struct Item {
  std::uint64_t key;
  std::uint64_t hash;
};
struct ItemTraits {
  static std::uint64_t hash(const Item& item) { return item.hash; }
};
using Table = DenseTable<Item, ItemTraits>;

std::uint64_t mix(std::uint64_t x) { return Rng(x).next(); }

/// A table beside a plain model of what it should hold.
struct Pair {
  Table table;
  std::map<std::uint64_t, std::unique_ptr<Item>> model;

  Table::Word* find(std::uint64_t key, std::uint64_t hash) {
    return table.find(hash, [&](const Item& item) { return item.key == key; });
  }
  void add(std::uint64_t key, std::uint64_t hash) {
    auto item = std::make_unique<Item>(Item{key, hash});
    table.insert(hash, item.get(), key % 2 == 0);
    model[key] = std::move(item);
  }
  void drop(std::uint64_t key) {
    const std::uint64_t hash = model.at(key)->hash;
    table.erase(hash, find(key, hash));
    model.erase(key);
  }
};

void expect_same(Pair& pair) {
  pair.table.check_invariants();
  ASSERT_EQ(pair.table.size(), pair.model.size());
  for (const auto& [key, item] : pair.model) {
    auto* word = pair.find(key, item->hash);
    ASSERT_NE(word, nullptr) << key;
    EXPECT_EQ(word->record(), item.get());
    EXPECT_EQ(word->marked(), key % 2 == 0);
  }
}

TEST(DenseTable, NamesTheRecordToLoadAheadForEverySizeOfTable) {
  for (const std::uint64_t count : {0U, 1U, 3U, 400U, 3000U}) {
    Pair pair;
    for (std::uint64_t key = 0; key < count; ++key) pair.add(key, mix(key));
    std::uint64_t same = 0;
    for (const auto& [key, item] : pair.model) {
      const Item* first = pair.table.probable(item->hash);
      ASSERT_NE(first, nullptr) << key;
      same += first == item.get() ? 1 : 0;
      EXPECT_EQ(pair.table.prefetch_record(item->hash), first);
    }
    EXPECT_GE(same, count - count / 50);  // others share 16 bits of the hash with one before them
    EXPECT_EQ(pair.table.probable(mix(count + 1)), nullptr);
  }
}

TEST(DenseTable, AgreesWithAMapUnderRandomInsertsAndErases) {
  for (const std::uint64_t limit : {5U, 60U, 700U, 6000U}) {
    Pair pair;
    Rng rng(limit);
    for (int step = 0; step < 20000; ++step) {
      const std::uint64_t key = rng.below(limit);
      const std::uint64_t hash = mix(key);
      const bool grow_phase = step / 5000 % 2 == 0;
      if (pair.model.contains(key)) {
        ASSERT_NE(pair.find(key, hash), nullptr);
        if (rng.chance(grow_phase ? 0.2 : 0.9)) pair.drop(key);
      } else {
        ASSERT_EQ(pair.find(key, hash), nullptr);
        if (rng.chance(grow_phase ? 0.9 : 0.1)) pair.add(key, hash);
      }
      if (step % 2500 == 0) expect_same(pair);
    }
    expect_same(pair);
    while (!pair.model.empty()) pair.drop(pair.model.begin()->first);
    expect_same(pair);
    EXPECT_EQ(pair.table.memory_bytes(), 0U);
  }
}

TEST(DenseTable, HoldsManyRecordsOfTheSameHash) {
  Pair pair;
  for (std::uint64_t key = 0; key < 1500; ++key) pair.add(key, 0x123456789abcdef0ULL);
  expect_same(pair);
  std::set<std::uint64_t> seen;
  std::uint64_t position = 0;
  do {
    position = pair.table.scan(position, 1, [&](Table::Word& w) { seen.insert(w.record()->key); });
  } while (position != Table::kScanEnd);
  EXPECT_EQ(seen.size(), 1500U);
}

TEST(DenseTable, StaysAboveThreeQuartersLoadWhileGrowing) {
  Pair pair;
  double lowest = 1;
  for (std::uint64_t key = 0; key < 200000; ++key) {
    pair.add(key, mix(key));
    if (key > 2000 && key % 1000 == 0) {
      lowest = std::min(lowest, static_cast<double>(pair.table.size()) / static_cast<double>(pair.table.capacity()));
    }
  }
  EXPECT_GT(lowest, 0.72);
}

TEST(DenseTable, ScanVisitsEveryRecordThatStaysWhileOthersComeAndGo) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair pair;
    Rng rng(seed);
    for (std::uint64_t key = 0; key < 3000; ++key) pair.add(key, mix(key));  // these stay
    std::multiset<std::uint64_t> seen;
    std::uint64_t position = 0;
    std::uint64_t fresh = 1000000;
    do {
      position = pair.table.scan(position, 1 + rng.below(30), [&](Table::Word& w) { seen.insert(w.record()->key); });
      for (int i = 0; i < 40; ++i, ++fresh) pair.add(fresh, mix(fresh));
      if (rng.chance(0.1)) {
        while (pair.model.size() > 3000) pair.drop(std::prev(pair.model.end())->first);
      }
    } while (position != Table::kScanEnd);
    for (std::uint64_t key = 0; key < 3000; ++key) ASSERT_EQ(seen.count(key), 1U) << seed << ' ' << key;
  }
}

TEST(DenseTable, ScanReturnsAboutAsManyAsAsked) {
  Pair pair;
  for (std::uint64_t key = 0; key < 5000; ++key) pair.add(key, mix(key));
  std::uint64_t position = 0;
  std::uint64_t calls = 0;
  do {
    std::uint64_t got = 0;
    position = pair.table.scan(position, 10, [&](Table::Word&) { ++got; });
    EXPECT_LE(got, 14U);
    ++calls;
  } while (position != Table::kScanEnd);
  EXPECT_GE(calls, 450U);
}

TEST(DenseTable, RandomReachesEveryRecord) {
  Pair pair;
  for (std::uint64_t key = 0; key < 1000; ++key) pair.add(key, mix(key));
  Rng rng(3);
  std::map<std::uint64_t, int> hits;
  for (int i = 0; i < 100000; ++i) ++hits[pair.table.random(rng)->record()->key];
  EXPECT_EQ(hits.size(), 1000U);
}

}  // namespace
}  // namespace ashlar::ds
