#include "keyspace/values/set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ashlar::keyspace {
namespace {

using Model = std::set<std::string>;

Model content(const Set& set) {
  Model members;
  set.for_each([&](const ds::PackedValue& value) { EXPECT_TRUE(members.insert(value.to_string()).second); });
  return members;
}

void add(Set& set, std::string_view text, const EncodingLimits& limits) { set.add(SetMember(text), limits); }

EncodingLimits small_limits() {
  EncodingLimits limits;
  limits.set_intset_entries = 4;
  limits.set_listpack_entries = 3;
  limits.set_listpack_value = 8;
  return limits;
}

TEST(Set, StaysAnIntsetWhileAllMembersAreIntegersWithinTheLimit) {
  const EncodingLimits limits = small_limits();
  Set set;
  for (const char* text : {"5", "-1", "9223372036854775807", "2"}) add(set, text, limits);
  EXPECT_EQ(set.encoding_name(), "intset");
  add(set, "3", limits);
  EXPECT_EQ(set.encoding_name(), "hashtable");
  EXPECT_EQ(content(set), (Model{"5", "-1", "9223372036854775807", "2", "3"}));
}
TEST(Set, BecomesAListpackWithTheFirstTextAndATableBeyondTheEntryLimit) {
  const EncodingLimits limits = small_limits();
  Set set;
  add(set, "1", limits);
  add(set, "01", limits);  // not the canonical integer
  EXPECT_EQ(set.encoding_name(), "listpack");
  add(set, "b", limits);
  EXPECT_EQ(set.encoding_name(), "listpack");
  add(set, "c", limits);
  EXPECT_EQ(set.encoding_name(), "hashtable");
  EXPECT_EQ(content(set), (Model{"1", "01", "b", "c"}));
}
TEST(Set, BecomesATableWithALongMember) {
  const EncodingLimits limits = small_limits();
  Set set;
  add(set, "123456789", limits);  // longer than a listpack member may be
  add(set, "a", limits);
  EXPECT_EQ(set.encoding_name(), "hashtable");
  Set other;
  add(other, "123456789x", limits);
  EXPECT_EQ(other.encoding_name(), "hashtable");
}
TEST(Set, StartsAsTheEncodingThatTheAnnouncedNumberAsksFor) {
  const EncodingLimits limits = small_limits();
  Set numbers;
  numbers.expect(SetMember("1"), 5, limits);
  EXPECT_EQ(numbers.encoding_name(), "hashtable");
  Set texts;
  texts.expect(SetMember("x"), 3, limits);
  EXPECT_EQ(texts.encoding_name(), "listpack");
  texts.expect(SetMember("x"), 4, limits);
  EXPECT_EQ(texts.encoding_name(), "hashtable");
}
TEST(Set, PacksIntegersOfATableBackIntoAnIntset) {
  const EncodingLimits limits = small_limits();
  Set set;
  set.expect(SetMember("1"), 100, limits);
  add(set, "7", limits);
  add(set, "-7", limits);
  set.pack_integers(limits);
  EXPECT_EQ(set.encoding_name(), "intset");
  EXPECT_EQ(content(set), (Model{"7", "-7"}));
}
TEST(Set, KeepsMembersOfAnyLengthAndContent) {
  const EncodingLimits limits = small_limits();
  Set set;
  const Model members = {"",
                         std::string(254, 'a'),
                         std::string(255, 'b'),
                         std::string(256, 'c'),
                         std::string(70'000, 'd'),
                         std::string("\0\xff\r\n", 4)};
  for (const std::string& m : members) EXPECT_TRUE(set.add(SetMember(m), limits));
  EXPECT_EQ(content(set), members);
  EXPECT_EQ(content(*set.clone()), members);
  for (const std::string& m : members) EXPECT_TRUE(set.erase(SetMember(m)));
  EXPECT_TRUE(set.empty());
  set.check_invariants();
}
TEST(Set, SamplesDifferentMembersInEveryEncodingAndSize) {
  EncodingLimits limits;
  Rng rng(7);
  for (const char* prefix : {"", "x"}) {
    for (const std::uint64_t size : {1U, 20U, 1000U}) {
      Set set;
      for (std::uint64_t i = 0; i < size; ++i) add(set, prefix + std::to_string(i), limits);
      for (const std::uint64_t count : {std::uint64_t{1}, size / 10, size / 2, size, size + 5}) {
        Model drawn;
        set.sample(count, rng, [&](const ds::PackedValue& v) { EXPECT_TRUE(drawn.insert(v.to_string()).second); });
        EXPECT_EQ(drawn.size(), std::min(count, size));
        for (const std::string& m : drawn) EXPECT_TRUE(set.contains(SetMember(m)));
      }
    }
  }
}
TEST(Set, DrawsMembersAgainInEveryEncoding) {
  EncodingLimits limits;
  Rng rng(7);
  for (const auto& [prefix, size] : std::vector<std::pair<std::string, int>>{{"", 3}, {"x", 3}, {"x", 200}}) {
    Set set;
    for (int i = 0; i < size; ++i) add(set, prefix + std::to_string(i), limits);
    Model drawn;
    std::uint64_t n = 0;
    set.draw(5000, rng, [&](const ds::PackedValue& v) {
      ++n;
      drawn.insert(v.to_string());
    });
    EXPECT_EQ(n, 5000U);
    EXPECT_EQ(drawn, content(set));
  }
}
TEST(Set, EndsAWalkWhenAskedTo) {
  EncodingLimits limits;
  Set set;
  for (int i = 0; i < 1000; ++i) add(set, "m" + std::to_string(i), limits);
  int seen = 0;
  set.for_each([&](const ds::PackedValue&) { return ++seen < 10; });
  EXPECT_EQ(seen, 10);
}
TEST(Set, BehavesLikeAPlainSetUnderRandomChanges) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Rng rng(seed);
    EncodingLimits limits;
    limits.set_intset_entries = rng.below(40);
    limits.set_listpack_entries = rng.below(40);
    limits.set_listpack_value = rng.below(20);
    Set set;
    Model model;
    for (int step = 0; step < 4000; ++step) {
      std::string text = std::to_string(rng.between(-60, 60));
      if (rng.chance(0.02 * static_cast<double>(seed))) text = std::string(rng.below(30), 'a') + text;
      if (rng.chance(0.6)) {
        ASSERT_EQ(set.add(SetMember(text), limits), model.insert(text).second);
      } else {
        ASSERT_EQ(set.erase(SetMember(text)), model.erase(text) == 1);
      }
      ASSERT_EQ(set.size(), model.size());
      ASSERT_EQ(set.contains(SetMember(text)), model.contains(text));
      ASSERT_TRUE(set.empty() || model.contains(set.random(rng).to_string()));
      if (step % 200 == 0) {
        set.check_invariants();
        ASSERT_EQ(content(set), model);
        Model scanned;
        std::uint64_t position = 0;
        do {
          position = set.scan(position, 5, [&](const ds::PackedValue& v) { scanned.insert(v.to_string()); });
        } while (position != 0);
        ASSERT_EQ(scanned, model);
      }
    }
  }
}

}  // namespace
}  // namespace ashlar::keyspace
