// Power loss at thousands of random moments: what was committed is there, in order, once, and nothing is damaged.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "aof/aof_world.h"
#include "aof/command_reader.h"

namespace ashlar::aof {
namespace {

/// Seeds of a test: ASHLAR_CRASH_SEED=n runs that one alone, ASHLAR_CRASH_TIMES=n so many times the usual number
/// (`make soak`).
struct Seeds {
  std::uint64_t first;
  std::uint64_t last;  // not run
};
Seeds seeds(std::uint64_t first, std::uint64_t usual) {
  if (const char* one = std::getenv("ASHLAR_CRASH_SEED")) {
    const std::uint64_t seed = parse_u64(one).value_or(0);
    return {seed, seed + 1};
  }
  const char* times = std::getenv("ASHLAR_CRASH_TIMES");
  return {first, first + usual * (times == nullptr ? 1 : parse_u64(times).value_or(1))};
}

/// A record with a number, of a length that varies.
std::string record(std::uint64_t n) {
  const std::string number = std::to_string(n);
  const std::string filler(n * 7 % 61, 'x');
  const std::array<std::string_view, 3> args = {"R", number, filler};
  std::string out;
  append_command(out, args);
  return out;
}

/// Numbers in all files of the set, which must ascend by one from 0.
std::uint64_t count_records(FileSystem& fs) {
  const auto files = AofFiles::open(fs, {});
  EXPECT_TRUE(files) << files.error().detail;
  std::uint64_t expected = 0;
  if (!files) return 0;
  for (const ManifestFile& entry : files->manifest().increments) {
    const auto file = fs.open(files->path_of(entry.name), OpenMode::kRead);
    EXPECT_TRUE(file);
    if (!file) return 0;
    snapshot::FileSource source(**file);
    CommandReader reader(source, 0);
    for (;;) {
      const auto next = reader.next();
      EXPECT_TRUE(next) << next.error().detail;
      if (!next || *next != CommandReader::Next::kCommand) break;
      EXPECT_EQ(parse_u64(reader.args()[1]), expected);
      ++expected;
    }
  }
  return expected;
}

/// A log with one empty increment.
struct NewLog {
  AofFiles files;
  std::unique_ptr<File> first;
};
/// Nothing when the power or the disk failed before.
std::optional<NewLog> new_log(testing::FaultyFileSystem& fs) {
  auto files = AofFiles::open(fs, {});
  if (!files) return std::nullopt;
  auto first = files->create_increment();
  if (!first) return std::nullopt;
  Manifest manifest;
  manifest.increments.push_back(first->entry);
  if (!files->replace(manifest)) return std::nullopt;
  return NewLog{std::move(*files), std::move(first->file)};
}

/// One life of a log: appends, commits, file changes and faults as `rng` says, until the power fails.
void run_until_power_fails(testing::FaultyFileSystem& fs, Rng& rng, std::uint64_t& committed, std::uint64_t& made) {
  auto log = new_log(fs);
  if (!log) return;
  const ManualClock clock;
  AofWriter writer(clock, {.fsync = FsyncPolicy::kAlways});
  writer.open(std::move(log->first), 0);
  while (fs.powered() && writer.status().state != WriterState::kNeedsRewrite) {
    const std::uint64_t what = rng.below(20);
    if (what < 12) writer.append(record(made++));
    if (what == 12) (void)writer.flush();
    if (what == 13) writer.background_step();
    if (what == 14) fs.fail_appends(1, rng.chance(0.5) ? ENOSPC : EIO);
    if (what == 15 && rng.chance(0.3)) fs.fail_truncates(1);
    if (what == 16 && rng.chance(0.05)) fs.fail_syncs(1);
    if (what >= 17 && what < 19 && writer.commit()) committed = made;
    if (what == 19 && rng.chance(0.3)) {
      auto next = log->files.create_increment();
      if (!next) continue;
      Manifest longer = log->files.manifest();
      longer.increments.push_back(next->entry);
      if (log->files.replace(longer)) writer.continue_in(std::move(next->file), "");
    }
  }
}

TEST(AofCrash, NeverLosesACommittedRecord) {
  std::uint64_t lives_with_commits = 0;
  std::uint64_t records_lost = 0;
  const Seeds all = seeds(0, 6000);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    Rng rng(seed);
    testing::FaultyFileSystem fs(seed);
    fs.lose_power_after(1 + rng.below(120));
    std::uint64_t committed = 0;
    std::uint64_t made = 0;
    run_until_power_fails(fs, rng, committed, made);
    fs.crash();
    const std::uint64_t kept = count_records(fs);
    ASSERT_GE(kept, committed) << "seed " << seed;
    ASSERT_LE(kept, made) << "seed " << seed;
    lives_with_commits += committed > 0 ? 1 : 0;
    records_lost += made - kept;
  }
  if (all.last - all.first == 1) return;
  EXPECT_GT(lives_with_commits, 1000U);
  EXPECT_GT(records_lost, 1000U) << "the faults do something";
}

/// What `everysec` answered, and when. `good_until`: the last time at which the log was in order; from then on the
/// server refuses writes (MISCONF), so nothing is answered.
struct EverySecondLife {
  struct Answered {
    std::uint64_t records;  // so many had been written by then
    MonoTime at;
  };
  std::deque<Answered> answered;
  MonoTime good_until;
  std::uint64_t made = 0;
};

void run_every_second(testing::FaultyFileSystem& fs, Rng& rng, EverySecondLife& life) {
  auto log = new_log(fs);
  if (!log) return;
  ManualClock clock;
  AofWriter writer(clock, {.fsync = FsyncPolicy::kEverySecond});
  writer.open(std::move(log->first), 0);
  life.good_until = clock.mono();
  MonoTime next_step = clock.mono() + Seconds(1);
  while (fs.powered() && writer.status().state != WriterState::kNeedsRewrite) {
    clock.advance(Millis(static_cast<std::int64_t>(rng.below(300))));
    if (clock.mono() >= next_step) {  // what the writer's thread does
      writer.background_step();
      next_step = clock.mono() + Seconds(1);
    }
    const std::uint64_t what = rng.below(30);
    if (what == 0) fs.fail_appends(1 + rng.below(3), rng.chance(0.5) ? ENOSPC : EIO);
    if (what == 1) fs.fail_truncates(1);
    if (what == 2 && rng.chance(0.1)) fs.fail_syncs(1);
    if (!writer.healthy()) continue;
    for (std::uint64_t n = rng.below(4); n > 0; --n) writer.append(record(life.made++));
    if (!writer.flush()) continue;  // the replies leave all the same, and are the last
    life.good_until = clock.mono();
    life.answered.push_back({life.made, clock.mono()});
  }
}

TEST(AofCrash, EverySecondLosesNothingThatWasAnsweredTwoSecondsBefore) {
  std::uint64_t old_enough = 0;
  std::uint64_t records_lost = 0;
  const Seeds all = seeds(0, 4000);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    Rng rng(seed);
    testing::FaultyFileSystem fs(seed);
    fs.lose_power_after(1 + rng.below(200));
    EverySecondLife life;
    run_every_second(fs, rng, life);
    fs.crash();
    const std::uint64_t kept = count_records(fs);
    for (const auto& [records, at] : life.answered) {
      if (life.good_until - at < Seconds(2)) break;
      ASSERT_GE(kept, records) << "seed " << seed;
      ++old_enough;
    }
    ASSERT_LE(kept, life.made) << "seed " << seed;
    records_lost += life.made - kept;
  }
  if (all.last - all.first == 1) return;
  EXPECT_GT(old_enough, 10'000U);
  EXPECT_GT(records_lost, 1000U) << "the faults do something";
}

TEST(AofCrash, NeverLosesARecordCommittedByOneOfManyThreads) {
  const Seeds all = seeds(0, 60);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    testing::FaultyFileSystem fs(seed);
    ASSERT_TRUE(fs.sync_directory("."));
    auto file = *fs.open("log", OpenMode::kAppend);
    ASSERT_TRUE(fs.sync_directory("."));
    const SystemClock clock;
    AofWriter writer(clock, {.fsync = FsyncPolicy::kAlways});
    writer.open(std::move(file), 0);
    fs.lose_power_after(20 + seed * 3);
    std::atomic<std::uint64_t> committed{0};
    std::vector<Thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back("committer", [&] {
        for (;;) {
          writer.append("*1\r\n$1\r\nx\r\n");
          if (!writer.commit()) return;
          committed.fetch_add(1);
        }
      });
    }
    for (Thread& t : threads) t.join();
    fs.crash();
    const std::string content = *read_file(fs, "log");
    EXPECT_GE(content.size() / 11, committed.load()) << seed;
  }
}

/// The counters after the first `n` increments of a life.
std::map<std::string, std::int64_t> counters_after(std::uint64_t n, std::uint64_t seed) {
  std::map<std::string, std::int64_t> out;
  Rng rng(seed);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t db = rng.below(World::kDatabases);
    ++out[std::to_string(db) + ":k" + std::to_string(rng.below(30))];
  }
  return out;
}

void check_life(std::uint64_t seed, bool writes_during_rewrites) {
  testing::FaultyFileSystem fs(seed);
  Rng rng(seed ^ 0xABCDEF);
  Rng keys(seed);
  std::uint64_t made = 0;
  std::uint64_t committed = 0;
  fs.lose_power_after(1 + rng.below(90));
  {
    World w(fs);
    const BaseForm form = rng.chance(0.5) ? BaseForm::kRdb : BaseForm::kCommands;
    if (w.boot(form)) {
      while (fs.powered()) {
        const std::uint64_t what = rng.below(20);
        if (what < 14) {
          const auto db = static_cast<std::uint32_t>(keys.below(World::kDatabases));
          w.increment(db, "k" + std::to_string(keys.below(30)));
          ++made;
        }
        if (what >= 14 && what < 18 && w.aof.writer().commit()) committed = made;
        if (what == 18 && rng.chance(0.1)) fs.fail_syncs(1);
        if (what == 19) {
          (void)w.aof.rewrite(w.job(form), &w.seat);
          if (!writes_during_rewrites) w.aof.wait(&w.seat);
        }
      }
    }
  }
  fs.crash();
  World again(fs);
  const auto booted = again.boot();
  ASSERT_TRUE(booted) << "seed " << seed << ": " << booted.error().detail;
  const auto loaded = again.content();
  std::uint64_t kept = 0;
  for (const auto& [key, value] : loaded) kept += static_cast<std::uint64_t>(value);
  ASSERT_GE(kept, committed) << "seed " << seed;
  ASSERT_LE(kept, made) << "seed " << seed;
  ASSERT_EQ(loaded, counters_after(kept, seed)) << "seed " << seed << ": a record twice, or missing in between";
}

TEST(AofCrash, SurvivesPowerLossAtEveryStepOfARewrite) {
  const Seeds all = seeds(0, 800);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    check_life(seed, /*writes_during_rewrites=*/false);
    if (HasFatalFailure()) return;
  }
}

TEST(AofCrash, SurvivesPowerLossWithWritesDuringRewrites) {
  const Seeds all = seeds(10'000, 400);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    check_life(seed, /*writes_during_rewrites=*/true);
    if (HasFatalFailure()) return;
  }
}

TEST(AofCrash, FindsTheFormerOrTheNewDataWholeWhenTheDataWasReplaced) {
  constexpr std::int64_t kFormer = 7;
  std::uint64_t former_found = 0;
  std::uint64_t new_found = 0;
  const Seeds all = seeds(0, 300);
  for (std::uint64_t seed = all.first; seed < all.last; ++seed) {
    testing::FaultyFileSystem fs(seed);
    Rng rng(seed ^ 0xABCDEF);
    std::int64_t committed = 0;
    std::int64_t made = 0;
    {
      World w(fs);
      ASSERT_TRUE(w.boot());
      for (std::int64_t i = 0; i < kFormer; ++i) w.increment(0, "former");
      ASSERT_TRUE(w.aof.writer().commit());
      fs.lose_power_after(1 + rng.below(40));
      w.forget_all();
      (void)w.aof.renew({}, &w.seat);
      while (fs.powered()) {
        const std::uint64_t what = rng.below(10);
        if (what < 6) {
          w.increment(0, "new");
          ++made;
        }
        if (what == 6) (void)w.aof.rewrite(w.job(), &w.seat);
        if (what == 7) w.aof.wait(&w.seat);
        if (what >= 8 && w.aof.whole() && w.aof.writer().commit()) committed = made;
      }
    }
    fs.crash();
    World again(fs);
    const auto booted = again.boot();
    ASSERT_TRUE(booted) << "seed " << seed << ": " << booted.error().detail;
    const auto loaded = again.content();
    if (loaded.contains("0:former")) {
      ASSERT_EQ(loaded, (std::map<std::string, std::int64_t>{{"0:former", kFormer}})) << "seed " << seed;
      ASSERT_EQ(committed, 0) << "seed " << seed;
      ++former_found;
      continue;
    }
    const std::int64_t kept = loaded.empty() ? 0 : loaded.at("0:new");
    ASSERT_GE(kept, committed) << "seed " << seed;
    ASSERT_LE(kept, made) << "seed " << seed;
    ++new_found;
  }
  if (all.last - all.first == 1) return;
  EXPECT_GT(former_found, 30U);
  EXPECT_GT(new_found, 30U);
}

}  // namespace
}  // namespace ashlar::aof
