#include "ds/sorted_index.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

struct Destroy {
  void operator()(ScoredMember* record) const { ScoredMember::destroy(record); }
};
using Owned = std::unique_ptr<ScoredMember, Destroy>;

struct InOrder {
  bool operator()(const ScoredMember* a, const ScoredMember* b) const {
    if (a->score() != b->score()) return a->score() < b->score();
    return a->member() < b->member();
  }
};

/// An index beside a plain model of what it should hold. The model owns the records.
struct Pair {
  SortedIndex index;
  std::set<ScoredMember*, InOrder> model;

  Pair() = default;
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    for (ScoredMember* record : model) ScoredMember::destroy(record);
  }
  void add(double score, const std::string& member) {
    const Owned probe(ScoredMember::make(member, score));
    if (model.contains(probe.get())) return;
    ScoredMember* record = ScoredMember::make(member, score);
    index.insert(*record);
    model.insert(record);
  }
  void drop(ScoredMember* record) {
    index.erase(*record);
    model.erase(record);
    ScoredMember::destroy(record);
  }
  void rescore(ScoredMember* record, double score) {
    model.erase(record);
    const double before = record->score();
    record->set_score(score);
    const bool taken = model.contains(record);
    record->set_score(before);
    if (!taken) index.rescore(*record, score);
    model.insert(record);
  }
  [[nodiscard]] std::vector<ScoredMember*> sorted() const { return {model.begin(), model.end()}; }
};

void expect_same(const Pair& pair) {
  pair.index.check_invariants();
  const auto sorted = pair.sorted();
  ASSERT_EQ(pair.index.size(), sorted.size());
  auto position = pair.index.first();
  for (ScoredMember* record : sorted) {
    ASSERT_FALSE(position.at_end());
    ASSERT_EQ(&*position, record);
    position.forward();
  }
  EXPECT_TRUE(position.at_end());
  position = pair.index.last();
  for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
    ASSERT_FALSE(position.at_end());
    ASSERT_EQ(&*position, *it);
    position.backward();
  }
  EXPECT_TRUE(position.at_end());
  const std::size_t step = 1 + sorted.size() / 50;
  for (std::size_t rank = 0; rank < sorted.size(); rank += step) {
    ASSERT_EQ(pair.index.rank(*sorted[rank]), rank);
    ASSERT_EQ(&*pair.index.at_rank(rank), sorted[rank]);
  }
  EXPECT_TRUE(pair.index.at_rank(sorted.size()).at_end());
}

/// What a cut says, counted one by one.
void expect_cut(const Pair& pair, const Cut& cut) {
  std::uint64_t before = 0;
  for (const ScoredMember* record : pair.model)
    before += stands_before(record->score(), record->member(), cut) ? 1U : 0U;
  ASSERT_EQ(pair.index.rank(cut), before);
  const auto sorted = pair.sorted();
  const auto behind = pair.index.behind(cut);
  ASSERT_EQ(behind.at_end(), before == sorted.size());
  if (!behind.at_end()) {
    ASSERT_EQ(&*behind, sorted[before]);
  }
  const auto last = pair.index.before(cut);
  ASSERT_EQ(last.at_end(), before == 0);
  if (!last.at_end()) {
    ASSERT_EQ(&*last, sorted[before - 1]);
  }
}

/// Scores of very different spreads: the tags of leaves must serve them all.
double draw_score(Rng& rng, int kind) {
  switch (kind) {
    case 0: return static_cast<double>(rng.below(10));
    case 1: return rng.unit() * 1e6 - 5e5;
    case 2: return std::ldexp(rng.unit() - 0.5, static_cast<int>(rng.below(2000)) - 1000);
    case 3: return 0;
    default: {
      constexpr double kInf = std::numeric_limits<double>::infinity();
      const double special[] = {kInf, -kInf, 0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 1.0};
      return special[rng.below(8)];
    }
  }
}

TEST(SortedIndex, AgreesWithASetUnderRandomInsertsErasesAndRescores) {
  for (int kind = 0; kind < 5; ++kind) {
    for (const std::uint64_t limit : {20U, 300U, 4000U}) {
      Pair pair;
      Rng rng(limit + static_cast<std::uint64_t>(kind));
      for (int step = 0; step < 12000; ++step) {
        const bool grow = step / 3000 % 2 == 0;
        if (pair.model.empty() || (pair.model.size() < limit && rng.chance(grow ? 0.8 : 0.2))) {
          pair.add(draw_score(rng, kind), "m" + std::to_string(rng.below(100000)));
        } else {
          ScoredMember* some =
              *std::next(pair.model.begin(),
                         static_cast<long>(rng.below(std::min<std::uint64_t>(pair.model.size(), 1 + rng.below(200)))));
          if (rng.chance(0.3)) {
            pair.rescore(some, draw_score(rng, kind));
          } else if (rng.chance(0.3)) {
            pair.rescore(some, std::nextafter(some->score(), draw_score(rng, kind)));
          } else {
            pair.drop(some);
          }
        }
        if (step % 1500 == 0) expect_same(pair);
      }
      expect_same(pair);
      while (!pair.model.empty()) pair.drop(*pair.model.rbegin());
      expect_same(pair);
      EXPECT_EQ(pair.index.memory_bytes(), 0U);
    }
  }
}

TEST(SortedIndex, FindsScoreCutsAsCountingWould) {
  for (int kind = 0; kind < 5; ++kind) {
    Pair pair;
    Rng rng(7);
    for (int i = 0; i < 3000; ++i) pair.add(draw_score(rng, kind), std::to_string(i));
    for (int i = 0; i < 300; ++i) {
      const double score = rng.chance(0.5) ? draw_score(rng, kind) : (*std::next(pair.model.begin(), i * 3))->score();
      expect_cut(pair, ScoreCut{score, rng.chance(0.5) ? Side::kBefore : Side::kAfter});
    }
    expect_cut(pair, FrontCut{});
    expect_cut(pair, BackCut{});
  }
}

TEST(SortedIndex, FindsLexicalCutsAsCountingWould) {
  Pair pair;
  Rng rng(8);
  for (int i = 0; i < 3000; ++i) {
    std::string member;
    for (std::uint64_t n = rng.below(6); n > 0; --n) member += static_cast<char>(rng.below(4) * 85);
    pair.add(5, member);
  }
  for (int i = 0; i < 500; ++i) {
    std::string member;
    for (std::uint64_t n = rng.below(6); n > 0; --n) member += static_cast<char>(rng.below(4) * 85);
    expect_cut(pair, LexCut{member, rng.chance(0.5) ? Side::kBefore : Side::kAfter});
  }
}

TEST(SortedIndex, AnEmptyIndexHasOnlyItsEnd) {
  const Pair pair;
  expect_same(pair);
  for (const Cut& cut :
       {Cut(FrontCut{}), Cut(BackCut{}), Cut(ScoreCut{1, Side::kBefore}), Cut(LexCut{"a", Side::kAfter})}) {
    expect_cut(pair, cut);
  }
}

TEST(SortedIndex, ErasesRangesOfAnyLengthInOrder) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Pair pair;
    Rng rng(seed);
    const std::uint64_t n = rng.below(seed % 3 == 0 ? 8000 : 400);
    for (std::uint64_t i = 0; i < n; ++i) pair.add(draw_score(rng, static_cast<int>(seed % 5)), std::to_string(i));
    while (!pair.model.empty()) {
      const auto sorted = pair.sorted();
      const std::uint64_t first = rng.below(sorted.size());
      const std::uint64_t count = rng.below(std::min<std::uint64_t>(sorted.size() - first, 1 + rng.below(2000)) + 1);
      std::uint64_t at = first;
      pair.index.erase_range(first, count, [&](ScoredMember& record) {
        ASSERT_EQ(&record, sorted[at++]);
        pair.model.erase(&record);
        ScoredMember::destroy(&record);
      });
      ASSERT_EQ(at, first + count);
      expect_same(pair);
      if (count == 0) pair.drop(sorted[first]);
    }
  }
}

TEST(SortedIndex, PacksLeavesFullWhenScoresArriveInOrder) {
  Pair pair;
  for (int i = 0; i < 100000; ++i) pair.add(i, "member");
  expect_same(pair);
  EXPECT_LT(pair.index.memory_bytes(), 100000U * 10);
}

TEST(SortedIndex, StaysWithinTwelveBytesARecordForScoresInAnyOrder) {
  for (int kind = 0; kind < 3; ++kind) {
    Pair pair;
    Rng rng(3);
    for (int i = 0; i < 100000; ++i) {
      pair.add(kind == 0 ? rng.unit() : kind == 1 ? -i : i % 1000, std::to_string(i));
    }
    expect_same(pair);
    EXPECT_LT(pair.index.memory_bytes(), 100000U * 12) << kind;
  }
}

TEST(SortedIndex, ServesAQueueThatGrowsAtOneEndAndShrinksAtTheOther) {
  Pair pair;
  for (int i = 0; i < 20000; ++i) {
    pair.add(i, "job");
    if (i >= 500) pair.drop(*pair.model.begin());
    if (i % 997 == 0) expect_same(pair);
  }
  EXPECT_LT(pair.index.memory_bytes(), 500U * 30);
}

TEST(ScoredMember, KeepsMembersOfAnyLength) {
  for (const std::size_t size : {0U, 1U, 16U, 254U, 255U, 256U, 70000U}) {
    const std::string bytes(size, 'x');
    const Owned record(ScoredMember::make(bytes, -1.5));
    EXPECT_EQ(record->member(), bytes);
    EXPECT_EQ(record->score(), -1.5);
    EXPECT_EQ(record->memory_bytes(), size + (size < 255 ? 9 : 17));
  }
}

TEST(OrderKey, OrdersAsDoublesDo) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double ascending[] = {-kInf, -1e308, -1, -5e-324, 0, 5e-324, 1, 1.5, 1e308, kInf};
  for (std::size_t i = 1; i < std::size(ascending); ++i)
    EXPECT_LT(order_key(ascending[i - 1]), order_key(ascending[i]));
  EXPECT_EQ(order_key(-0.0), order_key(0.0));
}

}  // namespace
}  // namespace ashlar::ds
