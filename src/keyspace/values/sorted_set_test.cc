#include "keyspace/values/sorted_set.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ashlar::keyspace {
namespace {

using Outcome = SortedSet::Outcome;

/// A sorted set beside a plain model of it.
struct Pair {
  SortedSet set;
  std::map<std::string, double> scores;
  EncodingLimits limits;

  [[nodiscard]] std::vector<std::pair<double, std::string>> sorted() const {
    std::set<std::pair<double, std::string>> order;
    for (const auto& [member, score] : scores) order.insert({score, member});
    return {order.begin(), order.end()};
  }
  void add(const std::string& member, double score) {
    const auto known = scores.find(member);
    const Outcome expected = known == scores.end()    ? Outcome::kAdded
                             : known->second == score ? Outcome::kSame
                                                      : Outcome::kMoved;
    ASSERT_EQ(set.add(member, score, {}, limits).outcome, expected);
    scores[member] = score;
  }
};

void expect_same(const Pair& pair) {
  pair.set.check_invariants();
  const auto sorted = pair.sorted();
  ASSERT_EQ(pair.set.size(), sorted.size());
  auto at = pair.set.first();
  for (std::size_t i = 0; i < sorted.size(); ++i, at.forward()) {
    ASSERT_FALSE(at.at_end());
    ASSERT_EQ(at.element().member, sorted[i].second);
    ASSERT_EQ(at.element().score, sorted[i].first);
    ASSERT_EQ(pair.set.score(sorted[i].second), sorted[i].first);
    ASSERT_EQ(pair.set.rank(sorted[i].second)->rank, i);
  }
  ASSERT_TRUE(at.at_end());
  if (!sorted.empty()) {
    at = pair.set.at_rank(sorted.size() - 1);
    for (std::size_t i = sorted.size(); i-- > 0; at.backward()) ASSERT_EQ(at.element().member, sorted[i].second);
    ASSERT_TRUE(at.at_end());
  }
}

TEST(SortedSet, AgreesWithAMapInBothEncodings) {
  for (const std::uint64_t limit : {0U, 40U, 1000U}) {
    Pair pair;
    pair.limits.zset_listpack_entries = limit;
    Rng rng(limit);
    for (int step = 0; step < 6000; ++step) {
      const std::string member = rng.chance(0.5) ? std::to_string(rng.below(60)) : "m" + std::to_string(rng.below(60));
      const bool grow = step / 1000 % 2 == 0;
      if (rng.chance(grow ? 0.8 : 0.3)) {
        pair.add(member, rng.chance(0.5) ? static_cast<double>(rng.below(20)) : rng.unit());
      } else if (rng.chance(0.9)) {
        ASSERT_EQ(pair.set.erase(member), pair.scores.erase(member) == 1);
      } else {
        const auto sorted = pair.sorted();
        const std::uint64_t first = rng.below(sorted.size() + 1);
        const std::uint64_t count = rng.below(sorted.size() - first + 1);
        pair.set.erase_range(first, count);
        for (std::uint64_t i = first; i < first + count; ++i) pair.scores.erase(sorted[i].second);
      }
      if (step % 500 == 0) expect_same(pair);
    }
    expect_same(pair);
  }
}

TEST(SortedSet, FindsCutsInBothEncodings) {
  for (const std::uint64_t limit : {0U, 1000U}) {
    Pair pair;
    pair.limits.zset_listpack_entries = limit;
    for (int i = 0; i < 100; ++i) pair.add("m" + std::to_string(i), i / 4);
    const ds::Cut cut = ds::ScoreCut{5, ds::Side::kAfter};
    EXPECT_EQ(pair.set.rank(cut), 24U);
    EXPECT_EQ(pair.set.behind(cut).element().score, 6);
    EXPECT_EQ(pair.set.before(cut).element().score, 5);
    EXPECT_TRUE(pair.set.before(ds::ScoreCut{-1, ds::Side::kAfter}).at_end());
    EXPECT_TRUE(pair.set.behind(ds::ScoreCut{25, ds::Side::kBefore}).at_end());
    EXPECT_TRUE(pair.set.behind(ds::BackCut{}).at_end());
    EXPECT_EQ(pair.set.before(ds::BackCut{}).element().score, 24);
  }
}

TEST(SortedSet, RulesForbidWhatTheyShould) {
  SortedSet set;
  const EncodingLimits limits;
  EXPECT_EQ(set.add("a", 1, {.presence = ScoreRule::Presence::kOnlyPresent}, limits).outcome, Outcome::kRefused);
  EXPECT_EQ(set.add("a", 1, {.presence = ScoreRule::Presence::kOnlyNew}, limits).outcome, Outcome::kAdded);
  EXPECT_EQ(set.add("a", 2, {.presence = ScoreRule::Presence::kOnlyNew}, limits).outcome, Outcome::kRefused);
  EXPECT_EQ(set.add("a", 1, {.direction = ScoreRule::Direction::kOnlyGreater}, limits).outcome, Outcome::kRefused);
  EXPECT_EQ(set.add("a", 2, {.direction = ScoreRule::Direction::kOnlyGreater}, limits).outcome, Outcome::kMoved);
  EXPECT_EQ(set.add("a", 3, {.meaning = ScoreRule::Meaning::kIncrement}, limits).score, 5);
  EXPECT_EQ(set.size(), 1U);
}

TEST(SortedSet, ACloneIsEqualAndIndependent) {
  for (const std::uint64_t limit : {0U, 1000U}) {
    Pair pair;
    pair.limits.zset_listpack_entries = limit;
    for (int i = 0; i < 300; ++i) pair.add("m" + std::to_string(i), i % 7);
    const auto copy = pair.set.clone();
    copy->check_invariants();
    EXPECT_EQ(copy->size(), 300U);
    EXPECT_EQ(copy->encoding_name(), pair.set.encoding_name());
    copy->erase_range(0, 300);
    expect_same(pair);
  }
}

TEST(SortedSet, ScanVisitsEveryMember) {
  Pair pair;
  for (int i = 0; i < 3000; ++i) pair.add("m" + std::to_string(i), i);
  std::set<std::string> seen;
  std::uint64_t position = 0;
  do {
    position = pair.set.scan(position, 20, [&](const SortedSet::Element& e) {
      EXPECT_EQ("m" + std::to_string(static_cast<int>(e.score)), e.member);
      seen.emplace(e.member);
    });
  } while (position != 0);
  EXPECT_EQ(seen.size(), 3000U);
}

}  // namespace
}  // namespace ashlar::keyspace
