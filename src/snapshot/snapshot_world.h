/// A key space, writes to it, and snapshots of it that tests can stop. For tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyspace/db.h"
#include "keyspace/slot_guard.h"
#include "snapshot/rdb_reader.h"
#include "snapshot/slot_snapshot.h"

namespace ashlar::snapshot {

using keyspace::AccessContext;
using keyspace::Batch;
using keyspace::Db;
using keyspace::KeyRef;
using keyspace::Keyspace;
using keyspace::NoExpiry;
using keyspace::SlotGuard;

/// A gate that a sink waits at: opened by the test.
class Gate {
 public:
  void open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    MutexLock lock(mutex_);
    arrived_ = true;
    changed_.notify_all();
    while (!open_) changed_.wait(mutex_);
  }
  void wait_for_arrival() {
    MutexLock lock(mutex_);
    while (!arrived_) changed_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ = false;
  bool arrived_ = false;
};

/// Collects the stream in a string of the test; waits at `gate` (if any) before the first entry.
class TestSink final : public SnapshotSink {
 public:
  TestSink(std::string& out, Gate* gate) : out_(out), gate_(gate) {}
  Result<void> begin(const std::vector<DbSizeHint>& sizes) override {
    if (gate_ != nullptr) gate_->pass();
    return writer_.begin({}, sizes);
  }
  Result<void> write(std::string_view bytes) override { return writer_.write(bytes); }
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

class SnapshotTest : public ::testing::Test {
 protected:
  void set(std::uint32_t db, std::string_view key, std::string_view value,
           const keyspace::NewExpiry& expiry = NoExpiry{}) {
    const KeyRef ref = keys.ref(key);
    const Batch batch(seat);
    const SlotGuard guard(keys, ref.slot);
    Db(keys, DbIndex{db}, context).set(ref, value, expiry);
  }
  void erase(std::uint32_t db, std::string_view key) {
    const KeyRef ref = keys.ref(key);
    const Batch batch(seat);
    const SlotGuard guard(keys, ref.slot);
    Db(keys, DbIndex{db}, context).erase(ref);
  }
  SnapshotPlan plan(std::string& out, Gate* gate = nullptr) const {
    SnapshotPlan p;
    p.format = std::make_unique<RdbEntryFormat>(Compression::kLzf, rdb::ClockFields{});
    p.sink = std::make_unique<TestSink>(out, gate);
    return p;
  }
  /// "db:key" -> what `text_of` makes of the value, and the expiry, of what a stream holds.
  template <typename TextOf>
  static std::map<std::string, std::string> entries_of(std::string_view stream, TextOf text_of) {
    struct Collect final : RdbVisitor {
      explicit Collect(TextOf& text) : text_of(text) {}
      Result<void> entry(DbIndex db, std::string_view key, keyspace::OwnedValue value, const EntryExtras& x) override {
        std::string text = text_of(key, std::move(value), x);
        if (x.expiry) text += "@" + std::to_string(unix_millis(*x.expiry));
        EXPECT_TRUE(entries.emplace(std::to_string(db.value) + ":" + std::string(key), text).second) << key;
        return {};
      }
      Result<void> function(std::string_view) override { return {}; }
      void warning(std::string_view) override {}
      TextOf& text_of;
      std::map<std::string, std::string> entries;
    } collect(text_of);
    StringSource source(stream);
    const auto done = RdbReader(source, collect).read();
    EXPECT_TRUE(done) << done.error().detail;
    return collect.entries;
  }
  /// The same of strings and numbers, as they are.
  static std::map<std::string, std::string> content(std::string_view stream) {
    return entries_of(stream, [](std::string_view, keyspace::OwnedValue value, const EntryExtras&) {
      const auto* number = std::get_if<std::int64_t>(&value.data);
      return number != nullptr ? std::to_string(*number) : std::get<std::string>(value.data);
    });
  }

  SystemClock clock;
  Keyspace keys{4};
  SnapshotHost host{keys, clock};
  Rng rng{7};
  keyspace::SafePoint::Participant& seat = keys.safe_point().join();
  AccessContext context{.now = WallTime(Seconds(1'700'000'000)), .counters = &keys.add_counters(), .rng = &rng};
};

}  // namespace ashlar::snapshot
