// Values and slots that are copied in pieces, and what is changed between two of them.
#include "snapshot/slot_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "snapshot/dump_payload.h"
#include "snapshot/huge_values.h"
#include "snapshot/snapshot_world.h"

namespace ashlar::snapshot {
namespace {

using keyspace::Hash;
using keyspace::LookupText;
using keyspace::OwnedValue;
using keyspace::Type;

/// Stops at the first write, which comes when a quarter of a megabyte has been copied.
class StoppingSink final : public SnapshotSink {
 public:
  StoppingSink(std::string& out, Gate* gate) : out_(out), gate_(gate) {}
  Result<void> begin(const std::vector<DbSizeHint>& sizes) override { return writer_.begin({}, sizes); }
  Result<void> write(std::string_view bytes) override {
    if (gate_ != nullptr) gate_->pass();
    return writer_.write(bytes);
  }
  Result<void> finish() override {
    ASH_TRY_VOID(writer_.end());
    out_ = bytes_.content();
    return {};
  }

 private:
  std::string& out_;
  Gate* gate_;
  StringSink bytes_;
  RdbWriter writer_{bytes_, Checksum::kCrc64};
};

class SlotWalkTest : public SnapshotTest {
 protected:
  static constexpr std::uint64_t kElements = 25'000;  // more than 400 KiB

  void put(std::uint32_t db, std::string_view key, OwnedValue value, std::optional<WallTime> expiry = std::nullopt) {
    with(db, key, [&](Db& data, const KeyRef& ref) { data.put(ref, std::move(value), expiry); });
  }
  /// Runs `change` with the key's slot locked.
  template <typename Change>
  void with(std::uint32_t db, std::string_view key, Change&& change) {
    const KeyRef ref = keys.ref(key);
    const Batch batch(seat);
    const SlotGuard guard(keys, ref.slot);
    Db data(keys, DbIndex{db}, context);
    change(data, ref);
  }
  SnapshotPlan stopping(std::string& out, Gate* gate) const {
    SnapshotPlan p;
    p.format = std::make_unique<RdbEntryFormat>(Compression::kNone, rdb::ClockFields{});
    p.sink = std::make_unique<StoppingSink>(out, gate);
    return p;
  }
  /// What a snapshot holds that nobody disturbs.
  std::map<std::string, std::string> at_rest() {
    std::string out;
    SlotSnapshot snapshot(host, stopping(out, nullptr));
    snapshot.start(&seat);
    EXPECT_TRUE(snapshot.wait(&seat));
    return dumps(out);
  }
  /// "db:key" -> value, as DUMP tells it, and expiry.
  static std::map<std::string, std::string> dumps(std::string_view stream) {
    return entries_of(stream, [](std::string_view key, OwnedValue value, const EntryExtras& x) {
      keyspace::Entry* entry = keyspace::Entry::make_owned(key, std::move(value), x.expiry);
      std::string text = dump_value(*entry, Compression::kNone);
      keyspace::Entry::destroy(entry);
      return text;
    });
  }
};

/// Equal without printing megabytes.
bool same(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) { return a == b; }

/// Adds an element to the value of `key` and removes one.
void change_elements(Db& db, const KeyRef& key, Type type) {
  using namespace keyspace;
  switch (type) {
    case Type::kList: {
      List& list = **db.edit<List>(key);
      list.push(ListEnd::kRight, "new", {});
      list.erase(24'999, 1, {});
      break;
    }
    case Type::kSet: {
      Set& set = **db.edit<Set>(key);
      EXPECT_TRUE(set.add(SetMember("new"), {}));
      EXPECT_TRUE(set.erase(SetMember(element(24'999))));
      EXPECT_TRUE(set.erase(SetMember(element(0))));
      break;
    }
    case Type::kSortedSet: {
      SortedSet& set = **db.edit<SortedSet>(key);
      (void)set.add("new", 7, {}, {});
      EXPECT_TRUE(set.erase(element(24'999)));
      EXPECT_TRUE(set.erase(element(0)));
      break;
    }
    case Type::kHash: {
      Hash& hash = **db.edit<Hash>(key);
      EXPECT_TRUE(hash.set(LookupText("new"), "v", {}));
      EXPECT_FALSE(hash.set(LookupText(element(5)), "changed", {}));
      EXPECT_TRUE(hash.erase(LookupText(element(24'999))));
      break;
    }
    default: {
      Stream& stream = **db.edit<Stream>(key);
      EXPECT_TRUE(stream.append({50'000, 0}, std::vector<std::string_view>{"f", "v"}, {}));
      EXPECT_TRUE(stream.erase({24'999, 0}));
      EXPECT_TRUE(stream.find_group("second")->acknowledge({7, 0}));
      break;
    }
  }
  db.modified(key);
}

struct Fate {
  std::string_view name;
  enum class Kind : std::uint8_t {
    kElements,
    kErased,
    kRenamed,
    kTimeToLive,
    kExpired,
    kOverwritten,
    kFlushed,
    kSwapped,
    kExchanged
  } kind;
};

std::ostream& operator<<(std::ostream& out, const Fate& fate) { return out << fate.name; }

constexpr std::array kFates = {
    Fate{"Elements", Fate::Kind::kElements},   Fate{"Erased", Fate::Kind::kErased},
    Fate{"Renamed", Fate::Kind::kRenamed},     Fate{"TimeToLive", Fate::Kind::kTimeToLive},
    Fate{"Expired", Fate::Kind::kExpired},     Fate{"Overwritten", Fate::Kind::kOverwritten},
    Fate{"Flushed", Fate::Kind::kFlushed},     Fate{"Swapped", Fate::Kind::kSwapped},
    Fate{"Exchanged", Fate::Kind::kExchanged},
};

class HugeValue : public SlotWalkTest, public ::testing::WithParamInterface<std::tuple<Type, Fate>> {
 protected:
  void befall(std::string_view key, const Fate& fate) {
    const Type type = std::get<Type>(GetParam());
    switch (fate.kind) {
      case Fate::Kind::kElements:
        return with(1, key, [&](Db& db, const KeyRef& ref) { change_elements(db, ref, type); });
      case Fate::Kind::kErased: return erase(1, key);
      case Fate::Kind::kRenamed:
        return with(1, key, [&](Db& db, const KeyRef& ref) {
          const KeyRef other = keys.ref("{huge}renamed");
          db.put(other, db.take(ref), std::nullopt);
          change_elements(db, other, type);
        });
      case Fate::Kind::kTimeToLive:
        return with(1, key, [&](Db& db, const KeyRef& ref) { EXPECT_TRUE(db.set_expiry(ref, std::nullopt)); });
      case Fate::Kind::kExpired:
        context.now = WallTime(Seconds(1'900'000'000));
        return with(1, key,
                    [&](Db& db, const KeyRef& ref) { EXPECT_EQ(db.find(ref, keyspace::Access::kRead), nullptr); });
      case Fate::Kind::kOverwritten: return set(1, key, "text");
      case Fate::Kind::kFlushed: {
        const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
        keys.clear(DbIndex{1});
        return;
      }
      case Fate::Kind::kSwapped: {
        const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
        keys.swap(DbIndex{0}, DbIndex{1}, context.now);
        return;
      }
      case Fate::Kind::kExchanged: {
        Keyspace other(keys.databases());
        const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
        keys.exchange(other);
        return;
      }
    }
  }
};
/// What depends on the type for every type, everything for one.
std::vector<std::tuple<Type, Fate>> cases() {
  std::vector<std::tuple<Type, Fate>> all;
  for (const Type type : kCollections) {
    for (const Fate& fate : kFates) {
      const bool by_type = fate.kind == Fate::Kind::kElements || fate.kind == Fate::Kind::kErased;
      if (by_type || type == Type::kSet) all.emplace_back(type, fate);
    }
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, HugeValue, ::testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(keyspace::type_name(std::get<Type>(info.param))) + std::string(std::get<Fate>(info.param).name);
});

TEST_P(HugeValue, IsSavedAsItWasAtTheCutWhateverHappensToItWhileItIsHalfCopied) {
  const auto& [type, fate] = GetParam();
  put(1, "{huge}", huge_value(type, kElements), WallTime(Seconds(1'800'000'000)));
  for (int i = 0; i < 20; ++i) set(static_cast<std::uint32_t>(i % 3), "{huge}" + std::to_string(i), "before");
  const auto before = at_rest();
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  EXPECT_EQ(snapshot.progress().ahead_copies, 0U);
  befall("{huge}", fate);
  EXPECT_EQ(snapshot.progress().ahead_copies, 1U);  // of the rest; everything else had been copied
  set(1, "{huge}", "again");
  set(1, "{huge}3", "after");
  set(1, "{huge}more", "after");
  EXPECT_EQ(snapshot.progress().ahead_copies, 1U);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_TRUE(same(dumps(out), before));
  EXPECT_EQ(snapshot.progress().keys_done, 21U);
  EXPECT_EQ(snapshot.progress().ahead_bytes, 0U);
}

TEST_P(HugeValue, IsSavedAsItWasAtTheCutWhateverHappensToItBeforeItsTurn) {
  const auto& [type, fate] = GetParam();
  // One of them is half copied, of the others at most one is whole: something is changed that was put aside.
  for (const char* key : {"{huge}a", "{huge}b", "{huge}c"}) {
    put(1, key, huge_value(type, kElements), WallTime(Seconds(1'800'000'000)));
  }
  const auto before = at_rest();
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  const bool all =
      fate.kind == Fate::Kind::kFlushed || fate.kind == Fate::Kind::kSwapped || fate.kind == Fate::Kind::kExchanged;
  for (const char* key : {"{huge}a", "{huge}c"}) {
    befall(key, fate);
    if (all) break;
  }
  EXPECT_GT(snapshot.progress().ahead_bytes, 300U << 10);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_TRUE(same(dumps(out), before));
  EXPECT_EQ(snapshot.progress().keys_done, 3U);
}

TEST_F(SlotWalkTest, NobodyCopiesAHugeValueForWhoDoesNotChangeIt) {
  put(0, "{huge}", huge_value(Type::kSet, kElements));
  for (int i = 0; i < 10; ++i) set(0, "{huge}" + std::to_string(i), "before");
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  // That these return at all says that the slot is not locked while the value is half copied.
  for (int i = 0; i < 10; ++i) set(0, "{huge}" + std::to_string(i), "after");
  with(0, "{huge}", [](Db& db, const KeyRef& ref) {
    const keyspace::Set* set = *db.read<keyspace::Set>(ref, keyspace::Access::kRead);
    EXPECT_EQ(set->size(), kElements);
  });
  EXPECT_EQ(snapshot.progress().ahead_copies, 0U);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(dumps(out).size(), 11U);
}

TEST_F(SlotWalkTest, AWriterOfAnotherKeyOfASmallSlotDoesNotCopyItsHugeValue) {
  put(0, "{huge}", huge_value(Type::kHash, kElements));
  set(0, "{huge}1", "before");
  const auto before = at_rest();
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, plan(out, &gate));  // stops before the first slot
  snapshot.start(&seat);
  gate.wait_for_arrival();
  set(0, "{huge}1", "after");
  EXPECT_EQ(snapshot.progress().ahead_copies, 1U);
  EXPECT_LT(snapshot.progress().ahead_bytes, 100U);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_TRUE(same(dumps(out), before));
}

TEST_F(SlotWalkTest, APieceHasNoMoreThanOneLongString) {
  const std::string text(300 << 10, 'x');  // more than a write of the sink
  for (int i = 0; i < 40; ++i) set(0, "{long}" + std::to_string(i), text);
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  EXPECT_EQ(snapshot.progress().keys_done, 1U);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(snapshot.progress().keys_done, 40U);
}

TEST_F(SlotWalkTest, EndsWithAnErrorInTheMidstOfAValue) {
  put(0, "huge", huge_value(Type::kSet, kElements));
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  snapshot.cancel();
  gate.open();
  EXPECT_FALSE(snapshot.wait(&seat));
  erase(0, "huge");
}

TEST_F(SlotWalkTest, CopiesEachKeyOfACrowdedSlotOnceThoughItsTableShrinksAndGrows) {
  constexpr int kKeys = 12'000;
  const auto name = [](int i) { return "{crowd}" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) set(0, name(i), "before and long enough to make a walk of it");
  set(1, name(1), "other");
  const auto before = at_rest();
  for (const int stays : {7, 200}) {
    Gate gate;
    std::string out;
    SlotSnapshot snapshot(host, stopping(out, &gate));
    snapshot.start(&seat);
    gate.wait_for_arrival();
    EXPECT_GT(snapshot.progress().keys_done, 0U);
    EXPECT_LT(snapshot.progress().keys_done, 9'000U);
    for (int i = 0; i < kKeys; ++i) {
      if (i % stays != 0) erase(0, name(i));
    }
    for (int i = 0; i < kKeys; i += 3 * stays) set(0, name(i), "after");
    if (stays == 7) {
      for (int i = kKeys; i < 2 * kKeys; ++i) set(0, name(i), "new");
    }
    gate.open();
    ASSERT_TRUE(snapshot.wait(&seat));
    EXPECT_TRUE(same(dumps(out), before));
    EXPECT_EQ(snapshot.progress().keys_done, kKeys + 1U);
    for (int i = 0; i < 2 * kKeys; ++i) erase(0, name(i));
    for (int i = 0; i < kKeys; ++i) set(0, name(i), "before and long enough to make a walk of it");
  }
}

TEST_F(SlotWalkTest, ShowsNoKeyTwiceWhenTheTableHasBecomeLessDeepBetweenTwoPieces) {
  std::vector<std::pair<std::uint64_t, std::string>> by_hash;
  for (int i = 0; i < 60'000; ++i) {
    const std::string key = "{crowd}" + std::to_string(i);
    set(0, key, "v");
    by_hash.emplace_back(keys.ref(key).hash, key);
  }
  std::ranges::sort(by_hash);
  const RdbEntryFormat format(Compression::kNone, {});
  keyspace::Slot& slot = keys.slot(keys.ref("{crowd}").slot);
  SlotWalk walk(format, keys.databases());
  Chunk chunk;
  while (walk.next(slot, nullptr, chunk) != SlotWalk::Left::kNothing) {
    chunk.clear();
    const auto passed = [&](const auto& key) { return walk.passed(DbIndex{0}, key.first); };
    const auto at = std::ranges::partition_point(by_hash, passed);
    // A table with one segment tells keys by 16 bits: a place between two that it cannot tell apart is wanted.
    const auto alike = [&](const auto& key) { return key.first >> 48 == at->first >> 48; };
    if (at == by_hash.begin() || at == by_hash.end() || !alike(*(at - 1))) continue;
    std::uint64_t ahead = 0;
    for (const auto& key : by_hash) {
      if (!alike(key)) erase(0, key.second);
      if (alike(key) && !passed(key)) ++ahead;
    }
    while (walk.next(slot, nullptr, chunk) != SlotWalk::Left::kNothing) {
    }
    EXPECT_EQ(chunk.keys, ahead);
    return;
  }
  FAIL() << "no such place";
}

TEST_F(SlotWalkTest, AFlushInTheMidstOfACrowdedSlotLeavesWhatWasThereAtTheCut) {
  for (int i = 0; i < 12'000; ++i) set(0, "{crowd}" + std::to_string(i), "before and long enough to make a walk of it");
  put(1, "{crowd}", huge_value(Type::kList, kElements));
  const auto before = at_rest();
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, stopping(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  set(0, "{crowd}7", "after");
  {
    const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
    keys.clear(DbIndex{0});
  }
  set(0, "{crowd}7", "again");
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_TRUE(same(dumps(out), before));
}

/// Sum of the fields of a hash, which must be numbers, and how many there are.
std::pair<std::int64_t, std::uint64_t> sum_of(const Hash& hash) {
  std::int64_t sum = 0;
  hash.for_each(keyspace::kAllFields, [&](const keyspace::HashItem& item) {
    DecimalBuffer digits;
    sum += *parse_i64(item.value.text(digits));
  });
  return {sum, hash.size()};
}

TEST_F(SlotWalkTest, MovesBetweenFieldsOfAHugeHashAndKeysOfItsSlotAreInASnapshotBothOrNeither) {
  constexpr std::uint64_t kAccounts = 8'000;
  constexpr std::uint64_t kPurses = 3000;
  constexpr std::int64_t kStart = 1000;
  {
    keyspace::Owned<Hash> bank(new Hash());
    for (std::uint64_t i = 0; i < kAccounts; ++i) (void)bank->set(LookupText(element(i)), std::to_string(kStart), {});
    put(0, "{bank}", {std::move(bank)});
  }
  for (std::uint64_t i = 0; i < kPurses; ++i) set(0, "{bank}" + std::to_string(i), std::to_string(kStart));
  std::atomic<bool> stop{false};
  std::vector<Thread> writers;
  for (std::uint64_t w = 0; w < 3; ++w) {
    keyspace::SafePoint::Participant& own_seat = keys.safe_point().join();
    keyspace::Counters& counters = keys.add_counters();
    writers.emplace_back("writer", [&, w] {
      Rng own(w);
      const AccessContext ctx{.now = context.now, .counters = &counters, .rng = &own};
      while (!stop.load(std::memory_order_relaxed)) {
        const Batch batch(own_seat);
        const KeyRef bank = keys.ref("{bank}");
        const std::string purse_name = "{bank}" + std::to_string(own.below(kPurses));
        const KeyRef purse = keys.ref(purse_name);
        const auto amount = static_cast<std::int64_t>(own.below(50));
        const SlotGuard guard(keys, bank.slot);
        Db db(keys, DbIndex{0}, ctx);
        if (own.below(8) == 0) {  // the rest is for the walk to get on
          Hash& hash = **db.edit<Hash>(bank);
          const std::string field = element(own.below(kAccounts));
          DecimalBuffer digits;
          const std::int64_t has = *parse_i64(hash.get(LookupText(field), keyspace::kAllFields)->value.text(digits));
          (void)hash.set(LookupText(field), std::to_string(has - amount), {});
        } else {
          const std::string other_name = "{bank}" + std::to_string(own.below(kPurses));
          const KeyRef other = keys.ref(other_name);
          if (other_name == purse_name) continue;
          db.set_int(other, db.find(other, keyspace::Access::kWrite)->int_value() - amount, NoExpiry{});
        }
        db.set_int(purse, db.find(purse, keyspace::Access::kWrite)->int_value() + amount, NoExpiry{});
      }
    });
  }
  for (int round = 0; round < 4; ++round) {
    std::string out;
    SlotSnapshot snapshot(host, stopping(out, nullptr));
    snapshot.start(&seat);
    EXPECT_TRUE(snapshot.wait(&seat));
    struct Sum final : RdbVisitor {
      Result<void> entry(DbIndex, std::string_view, OwnedValue value, const EntryExtras&) override {
        if (const auto* hash = std::get_if<keyspace::Owned<Hash>>(&value.data)) {
          const auto [fields_sum, fields] = sum_of(**hash);
          sum += fields_sum;
          count += fields;
        } else {
          sum += std::get<std::int64_t>(value.data);
          ++count;
        }
        return {};
      }
      Result<void> function(std::string_view) override { return {}; }
      void warning(std::string_view) override {}
      std::int64_t sum = 0;
      std::uint64_t count = 0;
    } total;
    StringSource source(out);
    EXPECT_TRUE(RdbReader(source, total).read());
    EXPECT_EQ(total.count, kAccounts + kPurses);
    EXPECT_EQ(total.sum, static_cast<std::int64_t>(kAccounts + kPurses) * kStart);
  }
  stop = true;
}

}  // namespace
}  // namespace ashlar::snapshot
