#include "keyspace/db.h"

#include <gtest/gtest.h>

#include <map>

#include "keyspace/slot_guard.h"

namespace ashlar::keyspace {
namespace {

constexpr WallTime kStart = WallTime(Seconds(1'700'000'000));

struct Recorder final : RemovalListener {
  std::vector<std::string> removed;
  void key_removed(DbIndex, const KeyRef& key, Removal) override { removed.emplace_back(key.text); }
};

struct DbTest : testing::Test {
  Keyspace keyspace{16};
  Rng rng{1};
  Recorder recorder;
  AccessContext context{.now = kStart, .counters = &keyspace.add_counters(), .removals = &recorder, .rng = &rng};
  Db db{keyspace, DbIndex{0}, context};

  std::optional<std::string> get(std::string_view key) {
    const KeyRef ref = keyspace.ref(key);
    const SlotGuard guard(keyspace, ref.slot);
    const Entry* entry = db.find(ref, Access::kRead);
    if (entry == nullptr) return std::nullopt;
    DecimalBuffer buffer;
    return std::string(entry->text(buffer));
  }
  void set(std::string_view key, std::string_view value, NewExpiry expiry = NoExpiry{}) {
    const KeyRef ref = keyspace.ref(key);
    const SlotGuard guard(keyspace, ref.slot);
    db.set(ref, value, expiry);
  }
  std::string encoding(std::string_view key) {
    return std::string(db.find(keyspace.ref(key), Access::kPeek)->encoding_name());
  }
};

TEST_F(DbTest, KeepsValuesOfEverySizeAcrossOverwrites) {
  for (const std::size_t first : {0U, 1U, 16U, 300U, 1024U, 1025U, 70000U}) {
    for (const std::size_t second : {0U, 3U, 20U, 1024U, 5000U}) {
      const std::string key = "k" + std::string(first % 400, 'x');
      set(key, std::string(first, 'a'));
      EXPECT_EQ(get(key), std::string(first, 'a'));
      set(key, std::string(second, 'b'), KeepExpiry{});
      EXPECT_EQ(get(key), std::string(second, 'b'));
    }
  }
}
TEST_F(DbTest, GivesALongStringAnotherKeyWithoutACopy) {
  set("{t}a", std::string(5000, 'a'));
  const KeyRef from = keyspace.ref("{t}a");
  const KeyRef to = keyspace.ref("{t}b");
  DecimalBuffer buffer;
  const char* bytes = db.find(from, Access::kPeek)->text(buffer).data();
  const Entry* moved = db.put(to, db.take(from), std::nullopt);
  EXPECT_EQ(moved->text(buffer).data(), bytes);
  EXPECT_EQ(get("{t}a"), std::nullopt);
  db.put(from, moved->copy_value(), std::nullopt);
  EXPECT_EQ(get("{t}a"), std::string(5000, 'a'));
  EXPECT_EQ(get("{t}b"), std::string(5000, 'a'));
}
TEST_F(DbTest, AStringThatHasBecomeShortMovesIntoTheEntry) {
  set("{t}a", std::string(5000, 'a'));
  const KeyRef from = keyspace.ref("{t}a");
  const char* shortened = db.resize(from, 3);
  EXPECT_EQ(std::string_view(shortened, 3), "aaa");
  db.put(keyspace.ref("{t}b"), db.take(from), std::nullopt);
  EXPECT_EQ(get("{t}b"), "aaa");
  EXPECT_EQ(encoding("{t}b"), "raw");
}
TEST_F(DbTest, NamesEncodingsAsRedisDoes) {
  set("i", "12345");
  set("e", std::string(44, 'x'));
  set("r", std::string(45, 'x'));
  set("notint", "012");
  EXPECT_EQ(encoding("i"), "int");
  EXPECT_EQ(encoding("e"), "embstr");
  EXPECT_EQ(encoding("r"), "raw");
  EXPECT_EQ(encoding("notint"), "embstr");
  const KeyRef ref = keyspace.ref("e2");
  std::memcpy(db.resize(ref, 3), "abc", 3);
  EXPECT_EQ(encoding("e2"), "raw");
}
TEST_F(DbTest, RemovesAnExpiredKeyWhenMetAndRecordsIt) {
  set("k", "v", kStart + Millis(10));
  context.now = kStart + Millis(10);
  EXPECT_EQ(get("k"), "v");
  context.now = kStart + Millis(11);
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(recorder.removed, std::vector<std::string>{"k"});
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 0U);
}
TEST_F(DbTest, HidesButKeepsAnExpiredKeyOnAReplica) {
  set("k", "v", kStart + Millis(10));
  context.now = kStart + Millis(11);
  context.expiry_role = ExpiryRole::kReplica;
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, 1U);
  context.expiry_role = ExpiryRole::kApply;
  EXPECT_EQ(get("k"), "v");
  EXPECT_TRUE(recorder.removed.empty());
}
TEST_F(DbTest, CountsExpiriesThroughEveryChange) {
  set("k", "v", kStart + Seconds(1));
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 1U);
  set("k", "w", KeepExpiry{});
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 1U);
  set("k", "w");
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 0U);
  EXPECT_TRUE(db.set_expiry(keyspace.ref("k"), kStart + Seconds(2)));
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 1U);
  EXPECT_TRUE(db.set_expiry(keyspace.ref("k"), std::nullopt));
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 0U);
  EXPECT_EQ(get("k"), "w");
  EXPECT_TRUE(db.set_expiry(keyspace.ref("k"), kStart + Seconds(2)));
  EXPECT_TRUE(db.erase(keyspace.ref("k")));
  EXPECT_EQ(keyspace.size(DbIndex{0}).expires, 0U);
}
TEST_F(DbTest, ResizeKeepsContentAndFillsWithZeros) {
  set("k", "123");
  for (const std::size_t size : {5U, 40U, 900U, 1500U, 1400U, 100000U}) {
    char* data = db.resize(keyspace.ref("k"), size);
    EXPECT_EQ(std::string(data, 5), std::string("123\0\0", 5)) << size;
    EXPECT_EQ(data[size - 1], '\0');
  }
}
TEST_F(DbTest, SwapExchangesTwoDatabases) {
  set("a", "1");
  Db other = db.other(DbIndex{9});
  other.set(keyspace.ref("b"), "2", NoExpiry{});
  {
    const SafePoint::Exclusive exclusive(keyspace.safe_point(), nullptr);
    keyspace.swap(DbIndex{0}, DbIndex{9}, WallTime{});
  }
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_NE(other.find(keyspace.ref("a"), Access::kPeek), nullptr);
}
TEST_F(DbTest, ASlotKeepsOnlyTheDatabasesThatHadKeys) {
  const KeyRef key = keyspace.ref("k");
  for (const std::uint32_t number : {9U, 3U, 12U})
    db.other(DbIndex{number}).set(key, std::to_string(number), NoExpiry{});
  Slot& slot = keyspace.slot(key.slot);
  std::vector<std::uint32_t> numbers;
  slot.for_each_db([&](const SlotDb& d) { numbers.push_back(d.number); });
  EXPECT_EQ(numbers, (std::vector<std::uint32_t>{0, 3, 9, 12}));
  EXPECT_EQ(slot.find(10), nullptr);
  EXPECT_EQ(slot.find(13), nullptr);
  for (const std::uint32_t number : {3U, 9U, 12U}) {
    const Entry* entry = db.other(DbIndex{number}).find(key, Access::kPeek);
    ASSERT_NE(entry, nullptr);
    DecimalBuffer buffer;
    EXPECT_EQ(entry->text(buffer), std::to_string(number));
  }
}
TEST_F(DbTest, AgreesWithAMapUnderRandomChanges) {
  std::map<std::string, std::string> model;
  for (int step = 0; step < 30000; ++step) {
    const std::string key = std::to_string(rng.below(2000)) + std::string(rng.below(3) * 150, 'k');
    switch (rng.below(4)) {
      case 0:
      case 1: {
        std::string value(rng.below(rng.chance(0.02) ? 3000 : 60), static_cast<char>('a' + rng.below(26)));
        if (rng.chance(0.3)) value = std::to_string(rng.between(-5000, 5000));
        set(key, value);
        model[key] = value;
        break;
      }
      case 2: {
        const KeyRef ref = keyspace.ref(key);
        EXPECT_EQ(db.erase(ref), model.erase(key) == 1);
        break;
      }
      default: EXPECT_EQ(get(key), model.contains(key) ? std::optional(model[key]) : std::nullopt);
    }
  }
  EXPECT_EQ(keyspace.size(DbIndex{0}).keys, model.size());
}

}  // namespace
}  // namespace ashlar::keyspace
