#include "keyspace/values/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace ashlar::keyspace {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Model = std::map<StreamId, Pairs>;

bool append(Stream& stream, StreamId id, const Pairs& pairs, const EncodingLimits& limits) {
  std::vector<std::string_view> flat;
  for (const auto& [field, value] : pairs) {
    flat.push_back(field);
    flat.push_back(value);
  }
  return stream.append(id, flat, limits);
}

Pairs fields_of(StreamRange& range) {
  Pairs pairs;
  range.for_each_field([&](const ds::PackedValue& field, const ds::PackedValue& value) {
    pairs.emplace_back(field.to_string(), value.to_string());
  });
  return pairs;
}

Pairs draw_pairs(Rng& rng) {
  static constexpr std::array<std::string_view, 4> kFields = {"a", "12", "", "long field name"};
  Pairs pairs;
  const std::uint64_t n = rng.chance(0.7) ? 2 : 1 + rng.below(5);
  for (std::uint64_t i = 0; i < n; ++i) {
    pairs.emplace_back(kFields[n == 2 ? i : rng.below(4)],
                       rng.chance(0.5) ? std::to_string(rng.next() >> rng.below(64)) : std::string(rng.below(80), 'v'));
  }
  return pairs;
}

void expect_same(const Stream& stream, const Model& model, StreamId from, StreamId to) {
  StreamRange up(stream, from, to);
  auto it = model.lower_bound(from);
  for (; it != model.end() && it->first <= to; ++it) {
    ASSERT_TRUE(up.next());
    EXPECT_EQ(up.id(), it->first);
    EXPECT_EQ(up.fields(), it->second.size());
    EXPECT_EQ(fields_of(up), it->second);
  }
  EXPECT_FALSE(up.next());
  StreamRange down(stream, from, to, StreamOrder::kDescending);
  while (it != model.begin() && std::prev(it)->first >= from) {
    --it;
    ASSERT_TRUE(down.next());
    EXPECT_EQ(down.id(), it->first);
    EXPECT_EQ(fields_of(down), it->second);
  }
  EXPECT_FALSE(down.next());
}

void expect_same(const Stream& stream, const Model& model) {
  stream.check_invariants();
  EXPECT_EQ(stream.size(), model.size());
  EXPECT_EQ(stream.first_id(), model.empty() ? StreamId{} : model.begin()->first);
  EXPECT_EQ(stream.last_entry_id(), model.empty() ? StreamId{} : model.rbegin()->first);
  expect_same(stream, model, {}, StreamId::max());
}

EncodingLimits limits(std::uint64_t bytes, std::uint64_t entries) {
  EncodingLimits all;
  all.stream_node_bytes = bytes;
  all.stream_node_entries = entries;
  return all;
}

TEST(Stream, AgreesWithAMapUnderRandomAppendsErasesAndTrims) {
  const std::pair<std::uint64_t, std::uint64_t> kShapes[] = {{4096, 100}, {200, 0}, {0, 3}, {0, 1}};
  for (const auto& [bytes, entries] : kShapes) {
    const EncodingLimits shape = limits(bytes, entries);
    Stream stream;
    Model model;
    Rng rng(bytes + entries);
    StreamId last;
    const auto some_id = [&] { return StreamId{rng.below(last.ms + 2), rng.below(4)}; };
    for (int step = 0; step < 3000; ++step) {
      const double roll = rng.unit();
      if (roll < 0.6) {
        last = rng.chance(0.5) ? StreamId{last.ms, last.seq + 1 + rng.below(3)}
                               : StreamId{last.ms + rng.below(5) + 1, rng.below(3)};
        const Pairs pairs = draw_pairs(rng);
        ASSERT_TRUE(append(stream, last, pairs, shape));
        model[last] = pairs;
      } else if (roll < 0.9) {
        auto it = model.lower_bound(some_id());
        const StreamId id = it == model.end() ? some_id() : it->first;
        EXPECT_EQ(stream.erase(id), model.erase(id) == 1);
      } else if (roll < 0.91) {
        const std::uint64_t keep = rng.below(model.size() + 10);
        const std::uint64_t removed = stream.trim({StreamTrim::MaxLength{keep}});
        EXPECT_EQ(removed, model.size() > keep ? model.size() - keep : 0);
        for (std::uint64_t i = 0; i < removed; ++i) model.erase(model.begin());
      } else if (roll < 0.92) {
        const StreamId bound = {rng.below(last.ms + 2) / 2, 1};
        stream.trim({StreamTrim::MinId{bound}});
        model.erase(model.begin(), model.lower_bound(bound));
      } else {
        const StreamId a = some_id();
        const StreamId b = some_id();
        expect_same(stream, model, std::min(a, b), std::max(a, b));
        EXPECT_EQ(stream.contains(a), model.contains(a));
      }
      if (step % 100 == 0) expect_same(stream, model);
    }
    expect_same(stream, model);
    const Owned<Stream> copy = stream.clone();
    stream.trim({StreamTrim::MaxLength{0}});
    expect_same(*copy, model);
    expect_same(stream, {});
    EXPECT_EQ(stream.last_id(), last);
  }
}

TEST(Stream, KeepsRegularEntriesSmall) {
  Stream stream;
  const EncodingLimits usual;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    ASSERT_TRUE(append(stream, {1'700'000'000'000 + i, 0}, {{"temperature", "21"}, {"humidity", "57"}}, usual));
  }
  EXPECT_LT(stream.memory_bytes(), 10000U * 20);
}

TEST(Stream, ImpreciseTrimmingRemovesWholeNodesWithinItsLimit) {
  Stream stream;
  const EncodingLimits ten = limits(0, 10);
  for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(append(stream, {i, 0}, {{"f", "v"}}, ten));
  using enum StreamTrim::Precision;
  EXPECT_EQ(stream.trim({StreamTrim::MaxLength{95}, kWholeNodes, std::nullopt}), 0U);
  EXPECT_EQ(stream.trim({StreamTrim::MaxLength{85}, kWholeNodes, std::nullopt}), 10U);
  EXPECT_EQ(stream.trim({StreamTrim::MaxLength{0}, kWholeNodes, 25}), 20U);
  EXPECT_EQ(stream.trim({StreamTrim::MinId{{55, 0}}, kWholeNodes, std::nullopt}), 20U);
  EXPECT_EQ(stream.first_id(), (StreamId{51, 0}));
  EXPECT_EQ(stream.trim({StreamTrim::MinId{{55, 0}}}), 4U);
  EXPECT_EQ(stream.first_kept_id(), (StreamId{51, 0}));  // erased, but still in its node
  EXPECT_EQ(stream.first_id(), (StreamId{55, 0}));
  stream.check_invariants();
}

TEST(Stream, RefusesAnEntryThatNoNodeCanHold) {
  Stream stream;
  const std::string part(16U << 20, 'x');
  const std::vector<std::string_view> flat(64, part);
  EXPECT_FALSE(stream.append({1, 1}, flat, {}));
  EXPECT_TRUE(stream.empty());
}

TEST(Stream, LoadsItsOwnNodesAndLeavesErasedEntriesOut) {
  Stream stream;
  const EncodingLimits four = limits(0, 4);
  Model model;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const Pairs pairs = {{i % 3 == 0 ? "f" : "g", std::to_string(i)}};
    ASSERT_TRUE(append(stream, {i, i}, pairs, four));
    model[{i, i}] = pairs;
  }
  for (const std::uint64_t gone : {2U, 5U, 6U, 7U, 8U, 20U}) {
    EXPECT_TRUE(stream.erase({gone, gone}));
    model.erase({gone, gone});
  }
  Stream loaded;
  for (auto at = stream.nodes().first(); at.valid(); at.next()) {
    ASSERT_TRUE(loaded.load_node(at.key(), at.value().blob()).has_value());
  }
  ASSERT_TRUE(loaded.load_totals({14, {20, 20}, {20, 20}, 20}).has_value());
  expect_same(loaded, model);
  for (auto at = loaded.nodes().first(); at.valid(); at.next()) EXPECT_EQ(at.value().erased(), 0U);
}

TEST(Stream, RefusesTotalsThatContradictItsNodes) {
  Stream stream;
  ASSERT_TRUE(append(stream, {5, 5}, {{"f", "v"}}, {}));
  const auto node = stream.nodes().first();
  const auto load = [&](const Stream::Totals& totals) {
    Stream loaded;
    EXPECT_TRUE(loaded.load_node(node.key(), node.value().blob()).has_value());
    return loaded.load_totals(totals).has_value();
  };
  EXPECT_TRUE(load({1, {5, 5}, {}, 1}));
  EXPECT_FALSE(load({2, {5, 5}, {}, 1}));
  EXPECT_FALSE(load({1, {5, 4}, {}, 1}));
}

/// A listpack of these values.
std::string pack(std::initializer_list<std::int64_t> numbers) {
  ds::Listpack out;
  for (const std::int64_t n : numbers) out.append(n);
  return std::string(out.view().blob());
}

TEST(StreamNode, RefusesWhatIsNoNode) {
  const auto loads = [](std::initializer_list<std::int64_t> numbers) {
    return StreamNode::validated(pack(numbers), {10, 0}, {}).has_value();
  };
  EXPECT_TRUE(loads({1, 0, 1, 7, 0, /**/ 2, 0, 0, 8, 4}));
  EXPECT_TRUE(loads({1, 0, 1, 7, 0, /**/ 0, 0, 0, 1, 5, 6, 6}));
  EXPECT_TRUE(loads({1, 1, 1, 7, 0, /**/ 3, 0, 0, 8, 4, /**/ 2, 1, 0, 8, 4}));
  EXPECT_FALSE(loads({}));
  EXPECT_FALSE(loads({1, 0, 1, 7}));                                    // no end of the master entry
  EXPECT_FALSE(loads({1, 0, 1, 7, 1, /**/ 2, 0, 0, 8, 4}));             // another end
  EXPECT_FALSE(loads({1, 0, -1, 0}));                                   // a negative number of fields
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 2, 0, 0, 8, 5}));             // wrong number of pieces
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 2, 0, 0, 8}));                // cut
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 6, 0, 0, 8, 4}));             // unknown flag
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 0, 0, 0, INT64_MAX, 8, 4}));  // far too many fields
  EXPECT_FALSE(loads({2, 0, 1, 7, 0, /**/ 2, 0, 0, 8, 4}));             // wrong counts
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 3, 0, 0, 8, 4}));
  EXPECT_FALSE(loads({1, 0, 1, 7, 0, /**/ 2, -1, 0, 8, 4}));                     // before its node
  EXPECT_FALSE(loads({2, 0, 1, 7, 0, /**/ 2, 0, 1, 8, 4, /**/ 2, 0, 1, 8, 4}));  // the same id twice
}

TEST(StreamNode, IsRefusedWhenItsEntriesDoNotFollowThoseBefore) {
  const std::string blob = pack({1, 0, 1, 7, 0, 2, 0, 0, 8, 4});
  EXPECT_TRUE(StreamNode::validated(blob, {10, 0}, {9, 9}).has_value());
  EXPECT_FALSE(StreamNode::validated(blob, {10, 0}, {10, 0}).has_value());
}

TEST(StreamGroup, MovesPendingEntriesBetweenConsumersAndForgetsThem) {
  StreamGroup group({}, std::nullopt);
  StreamConsumer& a = group.consumer("a", 1).consumer;
  StreamConsumer& b = group.consumer("b", 2).consumer;
  EXPECT_FALSE(group.consumer("a", 3).fresh);
  for (std::uint64_t i = 0; i < 100; ++i) group.assign({i, 0}, i % 2 == 0 ? a : b).deliveries = i;
  group.check_invariants();
  EXPECT_EQ(group.assign({2, 0}, b).deliveries, 2U);
  EXPECT_EQ(a.pending.size(), 49U);
  EXPECT_TRUE(group.acknowledge({4, 0}));
  EXPECT_FALSE(group.acknowledge({4, 0}));
  group.check_invariants();
  StreamGroup copy(group.last_id, group.entries_read);
  copy.copy_from(group);
  EXPECT_EQ(group.erase_consumer("b"), 51U);
  EXPECT_EQ(group.erase_consumer("b"), std::nullopt);
  group.check_invariants();
  EXPECT_EQ(group.pending().size(), 48U);
  copy.check_invariants();
  EXPECT_EQ(copy.pending().size(), 99U);
}

TEST(Stream, EstimatesLagAsRedisDoes) {
  Stream stream;
  StreamGroup& group = *stream.create_group("g", {}, std::nullopt);
  EXPECT_EQ(stream.lag(group), 0);  // nothing was ever added
  for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(append(stream, {i, 0}, {{"f", "v"}}, {}));
  EXPECT_EQ(stream.lag(group), 10);  // before the first
  group.last_id = {1, 0};
  EXPECT_EQ(stream.lag(group), 9);  // at the first
  group.last_id = {4, 0};
  EXPECT_EQ(stream.lag(group), std::nullopt);  // somewhere
  group.entries_read = 4;
  EXPECT_EQ(stream.lag(group), 6);
  EXPECT_TRUE(stream.erase({7, 0}));
  EXPECT_EQ(stream.lag(group), std::nullopt);  // a gap is ahead
  group.entries_read.reset();
  group.last_id = {10, 0};
  EXPECT_EQ(stream.lag(group), 0);  // at the end
  group.last_id = {11, 0};
  EXPECT_EQ(stream.lag(group), std::nullopt);  // in the future
}

TEST(Stream, CountsTheNodesThatARadixTreeWouldHave) {
  Stream stream;
  EXPECT_EQ(stream.radix_tree_nodes(), 1U);
  const EncodingLimits one = limits(0, 1);
  ASSERT_TRUE(append(stream, {1, 0}, {{"f", "v"}}, one));
  EXPECT_EQ(stream.radix_tree_nodes(), 2U);  // 16 bytes, end
  ASSERT_TRUE(append(stream, {1, 1}, {{"f", "v"}}, one));
  EXPECT_EQ(stream.radix_tree_nodes(), 4U);  // 15 bytes, branch, two ends
  ASSERT_TRUE(append(stream, {2, 0}, {{"f", "v"}}, one));
  // 7 bytes, branch; 7 bytes, branch, two ends; 8 bytes, end
  EXPECT_EQ(stream.radix_tree_nodes(), 8U);
}

}  // namespace
}  // namespace ashlar::keyspace
