#include "keyspace/values/hash.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace ashlar::keyspace {
namespace {

struct Cell {
  std::string value;
  std::int64_t expiry_ms = kNoExpiryMs;
  bool operator==(const Cell&) const = default;
};
using Model = std::map<std::string, Cell>;

Model content(const Hash& hash, std::int64_t from_ms = kAllFields) {
  Model cells;
  hash.for_each(from_ms, [&](const HashItem& item) {
    EXPECT_TRUE(cells.emplace(item.field.to_string(), Cell{item.value.to_string(), item.expiry_ms}).second);
  });
  return cells;
}

void set(Hash& hash, std::string_view field, std::string_view value, const EncodingLimits& limits) {
  hash.set(LookupText(field), value, limits);
}

EncodingLimits small_limits() {
  EncodingLimits limits;
  limits.hash_listpack_entries = 3;
  limits.hash_listpack_value = 8;
  return limits;
}

TEST(Hash, BecomesATableBeyondTheEntryLimit) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  for (const char* field : {"a", "b", "c", "a"}) set(hash, field, "1", limits);
  EXPECT_EQ(hash.encoding_name(), "listpack");
  set(hash, "d", "4", limits);
  EXPECT_EQ(hash.encoding_name(), "hashtable");
  EXPECT_EQ(content(hash), (Model{{"a", {"1"}}, {"b", {"1"}}, {"c", {"1"}}, {"d", {"4"}}}));
}
TEST(Hash, BecomesATableWithALongFieldOrValue) {
  const EncodingLimits limits = small_limits();
  Hash by_value;
  set(by_value, "a", "123456789", limits);
  EXPECT_EQ(by_value.encoding_name(), "hashtable");
  Hash by_field;
  set(by_field, "123456789", "a", limits);
  EXPECT_EQ(by_field.encoding_name(), "hashtable");
}
TEST(Hash, KeepsTextThatLooksLikeANumberOnlyIfCanonical) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  set(hash, "007", "1.0", limits);
  set(hash, "7", "-0", limits);
  EXPECT_EQ(content(hash), (Model{{"007", {"1.0"}}, {"7", {"-0"}}}));
}
TEST(Hash, OfTenShortFieldsTakesTheirBytesAndOneMoreForEachAndItself) {
  const EncodingLimits limits;
  Hash hash;
  for (int i = 0; i < 10; ++i) set(hash, "field:" + std::to_string(i), "value:" + std::to_string(i), limits);
  EXPECT_EQ(hash.memory_bytes(), 20U * 8 + 16);
}
TEST(Hash, GivesTheListpackOfItsFieldsAndValuesByTurns) {
  const EncodingLimits limits;
  Hash hash;
  set(hash, "f", "v", limits);
  set(hash, "n", "12", limits);
  std::string listpack;
  hash.append_listpack(listpack);
  // HSET h f v n 12 by redis-server 7.0.
  const std::string expected(
      "\x12\x00\x00\x00\x04\x00\x81"
      "f\x02\x81v\x02\x81n\x02\x0c\x01\xff",
      18);
  EXPECT_EQ(listpack, expected);
}
TEST(Hash, FindsFieldsNotValues) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  set(hash, "a", "b", limits);
  EXPECT_FALSE(hash.get(LookupText("b"), kAllFields));
  EXPECT_FALSE(hash.erase(LookupText("b")));
}
TEST(Hash, KeepsFieldsAndValuesOfAnyLength) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  Model model;
  for (const std::size_t field : {0U, 255U, 256U, 70'000U}) {
    for (const std::size_t value : {0U, 255U, 256U, 70'000U}) {
      const std::string name = std::string(field, 'f') + std::to_string(value);
      model[name] = {std::string(value, 'v')};
      set(hash, name, model[name].value, limits);
    }
  }
  EXPECT_EQ(content(hash), model);
  EXPECT_EQ(content(*hash.clone()), model);
  hash.check_invariants();
}
TEST(Hash, HidesFieldsWhoseTimeIsBeforeTheMomentOfReading) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  set(hash, "a", "1", limits);
  set(hash, "b", "2", limits);
  EXPECT_FALSE(hash.set_expiry(LookupText("none"), 100));
  EXPECT_EQ(hash.encoding_name(), "listpack");
  EXPECT_TRUE(hash.set_expiry(LookupText("a"), 100));
  EXPECT_TRUE(hash.get(LookupText("a"), 100));
  EXPECT_FALSE(hash.get(LookupText("a"), 101));
  EXPECT_EQ(hash.visible(101), 1U);
  EXPECT_EQ(hash.size(), 2U);
  Rng rng(1);
  EXPECT_EQ(hash.random(rng, 101)->field.to_string(), "b");
  EXPECT_EQ(hash.take_first_to_expire(), "a");
  EXPECT_EQ(hash.next_expiry_ms(), kNoExpiryMs);
}
// With a walk for each draw this takes minutes.
TEST(Hash, DrawsFromTheFewFieldsThatAreLeftWithOneWalk) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  constexpr int kFields = 30'000;
  for (int i = 0; i < kFields; ++i) hash.set(LookupText("f" + std::to_string(i)), "v", limits, 100);
  Rng rng(1);
  const auto drawn = [&] {
    std::map<std::string, int> counts;
    hash.draw(kFields, rng, 101, [&](const HashItem& item) { ++counts[item.field.to_string()]; });
    return counts;
  };
  EXPECT_TRUE(drawn().empty());
  set(hash, "a", "1", limits);
  EXPECT_EQ(drawn(), (std::map<std::string, int>{{"a", kFields}}));
  set(hash, "b", "2", limits);
  EXPECT_GT(drawn()["a"], kFields / 3);
  EXPECT_GT(drawn()["b"], kFields / 3);
}
TEST(Hash, DrawsFieldsAgainInEveryEncoding) {
  Hash hash;
  for (const char* field : {"a", "b", "c"}) set(hash, field, "1", small_limits());
  Rng rng(1);
  for (int encoding = 0; encoding < 2; ++encoding) {
    Model drawn;
    std::uint64_t n = 0;
    hash.draw(100, rng, kAllFields, [&](const HashItem& item) {
      ++n;
      drawn[item.field.to_string()] = {item.value.to_string(), item.expiry_ms};
    });
    EXPECT_EQ(n, 100U);
    EXPECT_EQ(drawn, content(hash));
    set(hash, "d", "1", small_limits());  // now a table
  }
}
TEST(Hash, SettingAFieldTakesItsExpiry) {
  const EncodingLimits limits = small_limits();
  Hash hash;
  hash.set(LookupText("a"), "1", limits, 100);
  EXPECT_EQ(hash.next_expiry_ms(), 100);
  set(hash, "a", "2", limits);
  EXPECT_EQ(hash.next_expiry_ms(), kNoExpiryMs);
}
TEST(Hash, BehavesLikeAPlainMapUnderRandomChanges) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Rng rng(seed);
    EncodingLimits limits;
    limits.hash_listpack_entries = rng.below(60);
    limits.hash_listpack_value = rng.below(60);
    Hash hash;
    Model model;
    for (int step = 0; step < 4000; ++step) {
      const std::string name = std::to_string(rng.between(-40, 40));
      const LookupText field(name);
      const std::string value(rng.below(seed % 2 == 0 ? 40 : 300), 'v');
      const std::uint64_t dice = rng.below(10);
      if (dice < 5) {
        const std::int64_t expiry = seed > 4 && rng.chance(0.3) ? rng.between(0, 1000) : kNoExpiryMs;
        ASSERT_EQ(hash.set(field, value, limits, expiry), !model.contains(name));
        model[name] = {value, expiry};
      } else if (dice < 7) {
        ASSERT_EQ(hash.erase(field), model.erase(name) == 1);
      } else if (dice < 8 && seed > 4) {
        const std::int64_t expiry = rng.chance(0.5) ? rng.between(0, 1000) : kNoExpiryMs;
        ASSERT_EQ(hash.set_expiry(field, expiry), model.contains(name));
        if (model.contains(name)) model[name].expiry_ms = expiry;
      } else {
        const auto item = hash.get(field, kAllFields);
        ASSERT_EQ(item.has_value(), model.contains(name));
        ASSERT_TRUE(!item || item->value.to_string() == model[name].value);
      }
      ASSERT_EQ(hash.size(), model.size());
      if (step % 200 == 0) {
        hash.check_invariants();
        ASSERT_EQ(content(hash), model);
        ASSERT_EQ(content(*hash.clone()), model);
      }
    }
  }
}

}  // namespace
}  // namespace ashlar::keyspace
