#include "keyspace/values/list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ashlar::keyspace {
namespace {

struct Model {
  Owned<List> list{new List()};
  std::deque<std::string> plain;

  void expect_same() const {
    ASSERT_EQ(list->size(), plain.size());
    std::vector<std::string> values;
    list->walk(0, plain.size() + 1, ListEnd::kLeft, [&](const ds::PackedValue& v) { values.push_back(v.to_string()); });
    ASSERT_EQ(values, std::vector<std::string>(plain.begin(), plain.end()));
    if (list->small()) {
      list->pack().check_invariants();
    } else {
      list->nodes().check_invariants();
    }
  }
};

std::string some_value(Rng& rng) {
  if (rng.chance(0.05)) return std::string(rng.below(9000), 'b');
  return rng.chance(0.5) ? std::to_string(rng.below(12)) : "v" + std::to_string(rng.below(12));
}

std::uint64_t remove_from_model(Model& m, const std::string& value, ListEnd from, std::uint64_t count) {
  std::uint64_t removed = 0;
  std::deque<std::string> kept;
  if (from == ListEnd::kRight) std::reverse(m.plain.begin(), m.plain.end());
  for (auto& v : m.plain) {
    if (v == value && removed < count) {
      ++removed;
    } else {
      kept.push_back(v);
    }
  }
  if (from == ListEnd::kRight) std::reverse(kept.begin(), kept.end());
  m.plain = std::move(kept);
  return removed;
}

void random_change(Model& m, Rng& rng, const EncodingLimits& limits) {
  const std::string value = some_value(rng);
  const std::string other = some_value(rng);
  const ListEnd end = rng.chance(0.5) ? ListEnd::kLeft : ListEnd::kRight;
  const std::size_t place = rng.below(m.plain.size() + 1);
  const auto offset = static_cast<std::ptrdiff_t>(place);
  switch (rng.below(7)) {
    case 0:
    case 1:
    case 2:
      m.list->push(end, value, limits);
      end == ListEnd::kLeft ? m.plain.push_front(value) : m.plain.push_back(value);
      break;
    case 3: {
      const ListSide side = rng.chance(0.5) ? ListSide::kBefore : ListSide::kAfter;
      auto at = std::find(m.plain.begin(), m.plain.end(), value);
      ASSERT_EQ(m.list->insert(side, value, other, limits), at != m.plain.end());
      if (at != m.plain.end()) m.plain.insert(side == ListSide::kAfter ? at + 1 : at, other);
      break;
    }
    case 4: {
      const bool there = place < m.plain.size();
      ASSERT_EQ(m.list->set(static_cast<std::int64_t>(place), value, limits), there);
      if (there) m.plain[place] = value;
      break;
    }
    case 5: {
      const std::uint64_t count = rng.chance(0.1) ? rng.below(60) : rng.below(3);
      m.list->erase(place, count, limits);
      const auto stop = static_cast<std::ptrdiff_t>(std::min(place + count, m.plain.size()));
      m.plain.erase(m.plain.begin() + offset, m.plain.begin() + stop);
      break;
    }
    default: {
      const std::uint64_t count = 1 + rng.below(3);
      ASSERT_EQ(m.list->remove(value, end, count, limits), remove_from_model(m, value, end, count));
      break;
    }
  }
}

TEST(List, AgreesWithADequeAcrossEncodings) {
  for (const std::int32_t size : {4, 30, -1, -2}) {
    for (const std::uint32_t depth : {0U, 1U}) {
      EncodingLimits limits;
      limits.list_listpack_size = size;
      limits.list_compress_depth = depth;
      Rng rng(static_cast<std::uint64_t>(size + 10) * 2 + depth);
      Model m;
      bool was_small = false;
      bool was_long = false;
      for (int step = 0; step < 1500; ++step) {
        random_change(m, rng, limits);
        m.expect_same();
        if (testing::Test::HasFatalFailure()) FAIL() << "size " << size << " depth " << depth << " step " << step;
        (m.list->small() ? was_small : was_long) = true;
      }
      EXPECT_TRUE(was_small && was_long);
      Model copy{m.list->clone(), m.plain};
      copy.expect_same();
    }
  }
}

TEST(List, TakesWholeListpacksWhileLoading) {
  EncodingLimits limits;
  limits.list_listpack_size = 3;
  Model m;
  for (int i = 0; i < 4; ++i) {
    ds::Listpack pack;
    for (int j = 0; j < 2; ++j) {
      pack.append(std::int64_t{j});
      m.plain.push_back(std::to_string(j));
    }
    m.list->append_pack(std::move(pack), limits);
    m.expect_same();
    EXPECT_EQ(m.list->small(), i == 0);
  }
}

}  // namespace
}  // namespace ashlar::keyspace
