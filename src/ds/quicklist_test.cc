#include "ds/quicklist.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

struct Model {
  Quicklist list;
  std::deque<std::string> plain;
  explicit Model(QuicklistShape shape) : list(shape) {}

  void expect_same() const {
    list.check_invariants();
    ASSERT_EQ(list.size(), plain.size());
    std::vector<std::string> forward;
    for (auto at = list.first(); !at.at_end(); at.next()) forward.push_back(at.value().to_string());
    ASSERT_EQ(forward, std::vector<std::string>(plain.begin(), plain.end()));
    std::vector<std::string> backward;
    for (auto at = list.last(); !at.at_end(); at.prev()) backward.push_back(at.value().to_string());
    ASSERT_EQ(backward, std::vector<std::string>(plain.rbegin(), plain.rend()));
  }
};

std::string some_value(Rng& rng) {
  switch (rng.below(8)) {
    case 0: return std::to_string(static_cast<std::int64_t>(rng.next() >> rng.below(64)));
    case 1: return std::string(rng.below(3000), 'm');
    case 2: return rng.chance(0.2) ? std::string(4000 + rng.below(6000), 'L') : "short";
    default: return "value-" + std::to_string(rng.below(50));
  }
}

std::ptrdiff_t offset(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

void random_change(Model& m, Rng& rng) {
  const std::string value = some_value(rng);
  const std::string_view item = value;
  const std::size_t place = rng.below(m.plain.size() + 1);
  const bool inside = place < m.plain.size();
  const auto index = static_cast<std::int64_t>(place);
  switch (rng.below(10)) {
    case 0:
    case 1: m.list.push_back(item), m.plain.push_back(value); break;
    case 2:
    case 3: m.list.push_front(item), m.plain.push_front(value); break;
    case 4:
    case 5:
      m.list.insert(m.list.seek(index), item);
      m.plain.insert(m.plain.begin() + offset(place), value);
      break;
    case 6:
      if (inside) m.list.replace(m.list.seek(index), item), m.plain[place] = value;
      break;
    case 7: {
      if (!inside) break;
      auto at = m.list.seek(index - static_cast<std::int64_t>(m.plain.size()));
      ASSERT_EQ(at.value().to_string(), m.plain[place]);
      m.list.erase(at);
      m.plain.erase(m.plain.begin() + offset(place));
      ASSERT_EQ(at.at_end(), place == m.plain.size());
      if (!at.at_end()) {
        ASSERT_EQ(at.value().to_string(), m.plain[place]);
      }
      break;
    }
    case 8: {
      const std::size_t n = rng.chance(0.1) ? rng.below(100) : rng.below(3);
      m.list.erase_range(place, n);
      m.plain.erase(m.plain.begin() + offset(place), m.plain.begin() + offset(std::min(place + n, m.plain.size())));
      break;
    }
    default:
      if (m.plain.empty()) break;
      if (rng.chance(0.5)) {
        m.list.pop_front(), m.plain.pop_front();
      } else {
        m.list.pop_back(), m.plain.pop_back();
      }
      break;
  }
}

TEST(Quicklist, AgreesWithADequeForEveryLimitUnderRandomChanges) {
  for (const std::int64_t limit : {1, 2, 5, 128, -1, -2, -5}) {
    for (const std::uint32_t depth : {0U, 1U, 2U}) {
      Rng rng(static_cast<std::uint64_t>(limit + 100) * 10 + depth);
      Model m({.limit = ListNodeLimit(limit), .compress_depth = depth});
      for (int step = 0; step < 1200; ++step) {
        random_change(m, rng);
        if (step % 10 == 0) m.expect_same();
        if (testing::Test::HasFatalFailure()) FAIL() << "limit " << limit << " depth " << depth << " step " << step;
      }
      m.expect_same();
      Model copy({});
      copy.list = m.list.clone();
      copy.plain = m.plain;
      copy.expect_same();
    }
  }
}

TEST(Quicklist, KeepsACursorOnWhatFollowsWhileErasing) {
  Quicklist list({.limit = ListNodeLimit(4), .compress_depth = 1});
  std::vector<std::string> kept;
  for (int i = 0; i < 1000; ++i) {
    list.push_back(std::int64_t{i % 3});
    if (i % 3 != 1) kept.push_back(std::to_string(i % 3));
  }
  for (auto at = list.first(); !at.at_end();) {
    if (at.matches(std::int64_t{1})) {
      list.erase(at);
    } else {
      at.next();
    }
  }
  list.check_invariants();
  std::vector<std::string> left;
  for (auto at = list.first(); !at.at_end(); at.next()) left.push_back(at.value().to_string());
  EXPECT_EQ(left, kept);
}

TEST(Quicklist, StoresAnElementAboveTheLimitAlone) {
  Quicklist list({.limit = ListNodeLimit(-1)});
  list.push_back(std::string_view("a"));
  list.push_back(std::string_view(std::string(4097, 'b')));
  list.push_back(std::string_view("c"));
  ASSERT_EQ(list.node_count(), 3U);
  EXPECT_FALSE(list.node_is_plain(0));
  EXPECT_TRUE(list.node_is_plain(1));
  list.check_invariants();
}

TEST(Quicklist, FillsNodesByPushingToSevenEighthsOfTheirBytes) {
  Quicklist list({.limit = ListNodeLimit(-2)});
  for (int i = 0; i < 1000; ++i) list.push_back(std::string_view("sixteen letters!"));
  std::vector<std::uint8_t> scratch;
  EXPECT_EQ(list.node_bytes(0, scratch).size(), 397U * 18 + 7);
}

TEST(Quicklist, TakesAListpackOfAllItsBytesAsOneNode) {
  Quicklist list({.limit = ListNodeLimit(-2)});
  Listpack pack;
  while (pack.size_bytes() + 18 <= 8192) pack.append(std::string_view("sixteen letters!"));
  list.append_pack(std::move(pack));
  list.push_back(std::string_view("a"));
  EXPECT_EQ(list.node_count(), 2U);
  list.check_invariants();
}

TEST(Quicklist, PacksInnerNodesTightly) {
  Quicklist loose({.limit = ListNodeLimit(-2)});
  Quicklist tight({.limit = ListNodeLimit(-2), .compress_depth = 1});
  for (int i = 0; i < 20000; ++i) {
    loose.push_back(std::string_view("the same text again and again"));
    tight.push_back(std::string_view("the same text again and again"));
  }
  EXPECT_LT(tight.memory_bytes() * 5, loose.memory_bytes());
}

TEST(Quicklist, GivesItsOnlyListpackAwayWhenItIsSmallEnough) {
  Quicklist list({.limit = ListNodeLimit(10)});
  for (int i = 0; i < 6; ++i) list.push_back(std::int64_t{i});
  EXPECT_FALSE(list.take_if_single(list.shape().limit.halved()).has_value());
  list.pop_back();
  const auto pack = list.take_if_single(list.shape().limit.halved());
  ASSERT_TRUE(pack.has_value());
  EXPECT_EQ(pack->count(), 5U);
  EXPECT_TRUE(list.empty());
  list.check_invariants();
}

}  // namespace
}  // namespace ashlar::ds
