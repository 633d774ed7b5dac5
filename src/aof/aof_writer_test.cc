// The writer: what is written when, what a failing disk does to it, who waits for whom.
#include "aof/aof_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/scheduling.h"
#include "base/testing/faulty_file_system.h"

namespace ashlar::aof {
namespace {

using ::testing::HasSubstr;

class AofWriterTest : public ::testing::Test {
 protected:
  AofWriterTest() { open("f1"); }
  void open(const std::string& name) { writer.open(*fs.open(name, OpenMode::kAppend), 0); }
  std::unique_ptr<File> next_file(const std::string& name) { return *fs.open(name, OpenMode::kTruncate); }
  std::string content(const std::string& name) { return read_file(fs, name).value_or("(none)"); }

  ManualClock clock;
  testing::FaultyFileSystem fs{1};
  AofWriter writer{clock, {.fsync = FsyncPolicy::kAlways, .pending_bytes_max = 1000}};
};

TEST_F(AofWriterTest, WritesOnFlushAndSyncsOnCommit) {
  writer.append("one");
  EXPECT_EQ(content("f1"), "");
  ASSERT_TRUE(writer.flush());
  EXPECT_EQ(content("f1"), "one");
  EXPECT_EQ(writer.status().written, 3U);
  EXPECT_EQ(writer.status().durable, 0U);
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(writer.status().durable, 3U);
}

TEST_F(AofWriterTest, FlushesByItselfInCommitAndDoesNothingTwice) {
  writer.append("one");
  ASSERT_TRUE(writer.commit());
  const auto operations = fs.operations();
  ASSERT_TRUE(writer.commit());
  ASSERT_TRUE(writer.flush());
  writer.background_step();
  EXPECT_EQ(fs.operations(), operations);
  EXPECT_EQ(content("f1"), "one");
}

TEST_F(AofWriterTest, SyncsOnceASecondInTheBackground) {
  writer.configure({.fsync = FsyncPolicy::kEverySecond});
  writer.append("one");
  writer.background_step();
  EXPECT_EQ(writer.status().durable, 3U);
}

TEST_F(AofWriterTest, LeavesSyncingToTheSystemWithPolicyNo) {
  writer.configure({.fsync = FsyncPolicy::kNo});
  writer.append("one");
  writer.background_step();
  EXPECT_EQ(content("f1"), "one");
  EXPECT_EQ(writer.status().durable, 0U);
}

TEST_F(AofWriterTest, DoesNotSyncWhileARewriteRunsWhenToldSo) {
  writer.configure({.fsync = FsyncPolicy::kAlways, .no_fsync_on_rewrite = true});
  writer.hold_syncs();
  writer.append("one");
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(content("f1"), "one");
  EXPECT_EQ(writer.status().durable, 0U);
  writer.release_syncs();
  writer.append("two");
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(writer.status().durable, 6U);
}

TEST_F(AofWriterTest, KeepsRecordsOfAFailedWriteAndTakesBackTheirPart) {
  writer.append("first");
  ASSERT_TRUE(writer.flush());
  fs.set_capacity(8);
  writer.append("second");
  EXPECT_FALSE(writer.flush());
  EXPECT_EQ(content("f1"), "first");
  EXPECT_FALSE(writer.healthy());
  EXPECT_EQ(writer.status().state, WriterState::kWriteFailing);
  EXPECT_THAT(writer.status().error->detail, HasSubstr("No space left on device"));
  EXPECT_EQ(writer.status().pending_bytes, 6U);
  EXPECT_FALSE(writer.commit());
  fs.set_capacity(std::nullopt);
  writer.append("third");
  writer.background_step();
  EXPECT_EQ(content("f1"), "firstsecondthird");
  EXPECT_TRUE(writer.healthy());
  EXPECT_TRUE(writer.commit());
}

TEST_F(AofWriterTest, ContinuesAPartThatCannotBeTakenBack) {
  fs.set_capacity(4);
  fs.fail_truncates(1);
  writer.append("abcdef");
  EXPECT_FALSE(writer.flush());
  EXPECT_EQ(content("f1"), "abcd");
  fs.set_capacity(std::nullopt);
  writer.append("gh");
  EXPECT_TRUE(writer.commit());
  EXPECT_EQ(content("f1"), "abcdefgh");
}

TEST_F(AofWriterTest, NeverAcknowledgesAgainAfterAFailedSync) {
  writer.append("one");
  fs.fail_syncs(1);
  EXPECT_FALSE(writer.commit());
  EXPECT_EQ(writer.status().state, WriterState::kNeedsRewrite);
  writer.append("two");
  EXPECT_FALSE(writer.commit());
  EXPECT_FALSE(writer.healthy());
  EXPECT_EQ(writer.status().pending_bytes, 0U) << "what only a rewrite can save is not kept";
}

TEST_F(AofWriterTest, IsGoodAgainWhenABaseReplacesABrokenFile) {
  writer.append("one");
  fs.fail_syncs(1);
  EXPECT_FALSE(writer.commit());
  writer.append("lost, but in the base");
  writer.continue_in(next_file("f2"), "");
  writer.append("two");
  EXPECT_FALSE(writer.commit()) << "the file before has a hole";
  EXPECT_EQ(content("f2"), "");
  writer.base_complete();
  EXPECT_TRUE(writer.healthy());
  EXPECT_TRUE(writer.commit());
  EXPECT_EQ(content("f2"), "two");
}

TEST_F(AofWriterTest, GivesUpRecordsBeyondTheLimitUntilARewrite) {
  fs.set_capacity(0);
  writer.append(std::string(999, 'x'));
  EXPECT_FALSE(writer.flush());
  EXPECT_EQ(writer.status().state, WriterState::kWriteFailing);
  writer.append("yy");
  EXPECT_EQ(writer.status().state, WriterState::kNeedsRewrite);
  EXPECT_EQ(writer.status().pending_bytes, 0U);
}

TEST_F(AofWriterTest, SyncsAFileBeforeItWritesToTheNext) {
  writer.append("one");
  writer.continue_in(next_file("f2"), "HEAD");
  writer.append("two");
  ASSERT_TRUE(writer.flush());
  EXPECT_EQ(content("f1"), "one");
  EXPECT_EQ(content("f2"), "HEADtwo");
  EXPECT_EQ(writer.status().durable, 3U);
  EXPECT_EQ(writer.status().file_bytes, 10U);
  writer.base_complete();
  EXPECT_EQ(writer.status().file_bytes, 7U);
}

TEST_F(AofWriterTest, DropsWhatCouldNotBeWrittenBeforeACompleteBase) {
  fs.set_capacity(0);
  writer.append("in the base");
  EXPECT_FALSE(writer.flush());
  writer.continue_in(next_file("f2"), "");
  writer.append("after");
  EXPECT_FALSE(writer.commit());
  fs.set_capacity(std::nullopt);
  writer.base_complete();
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(content("f1"), "");
  EXPECT_EQ(content("f2"), "after");
}

TEST_F(AofWriterTest, IgnoresRecordsWhenClosed) {
  writer.append("one");
  ASSERT_TRUE(writer.close());
  writer.append("two");
  EXPECT_TRUE(writer.commit());
  EXPECT_EQ(writer.status().state, WriterState::kClosed);
  EXPECT_EQ(content("f1"), "one");
}

TEST_F(AofWriterTest, MarksRecordsWithTheSecondTheyAreFrom) {
  writer.configure({.fsync = FsyncPolicy::kAlways, .timestamps = true});
  writer.tick(WallTime(Seconds(1700000000)));
  writer.append("a");
  writer.append("b");
  writer.tick(WallTime(Seconds(1700000001)));
  writer.append("c");
  ASSERT_TRUE(writer.commit());
  EXPECT_EQ(content("f1"), "#TS:1700000000\r\nab#TS:1700000001\r\nc");
}

TEST_F(AofWriterTest, MarksTheFirstRecordBeforeAnyTurn) {
  writer.configure({.fsync = FsyncPolicy::kAlways, .timestamps = true});
  writer.append("a");
  ASSERT_TRUE(writer.commit());
  EXPECT_TRUE(content("f1").starts_with("#TS:"));
}

TEST_F(AofWriterTest, SharesSyncsBetweenThreadsThatCommit) {
  writer.configure({.fsync = FsyncPolicy::kAlways});
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<Thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back("writer", [&] {
      for (int i = 0; i < kEach; ++i) {
        writer.append("x");
        EXPECT_TRUE(writer.commit());
      }
    });
  }
  for (Thread& t : threads) t.join();
  EXPECT_EQ(content("f1").size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(writer.status().durable, static_cast<std::uint64_t>(kThreads * kEach));
}

/// A file whose sync takes until it is told to end.
class SlowFile final : public File {
 public:
  SlowFile(std::unique_ptr<File> file, std::atomic<int>& syncs, std::atomic<bool>& may_end)
      : file_(std::move(file)), syncs_(syncs), may_end_(may_end) {}
  Result<void> append(std::string_view bytes) override { return file_->append(bytes); }
  Result<std::string> read_at(std::uint64_t offset, std::size_t length) override {
    return file_->read_at(offset, length);
  }
  Result<void> sync() override {
    ++syncs_;
    while (!may_end_) yield_core();
    return file_->sync();
  }
  Result<std::uint64_t> size() override { return file_->size(); }
  Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }

 private:
  std::unique_ptr<File> file_;
  std::atomic<int>& syncs_;
  std::atomic<bool>& may_end_;
};

TEST_F(AofWriterTest, EverySecondAnswersNothingWhileASyncIsTwoSecondsLate) {
  std::atomic<int> syncs{0};
  std::atomic<bool> may_end{false};
  ManualClock time;
  AofWriter late(time, {.fsync = FsyncPolicy::kEverySecond});
  late.open(std::make_unique<SlowFile>(*fs.open("slow", OpenMode::kAppend), syncs, may_end), 0);
  late.append("one");
  ASSERT_TRUE(late.flush());
  Thread syncing("syncing", [&] { late.background_step(); });
  while (syncs == 0) yield_core();
  late.append("two");
  ASSERT_TRUE(late.flush()) << "not late yet: it does not wait";
  time.advance(Millis(2001));
  std::uint64_t durable_when_answered = 0;
  late.append("three");
  Thread answering("answering", [&] {
    EXPECT_TRUE(late.flush());
    durable_when_answered = late.status().durable;
  });
  while (late.status().written < 11) yield_core();
  for (int i = 0; i < 1000; ++i) yield_core();  // time to be wrong
  may_end = true;
  answering.join();
  syncing.join();
  EXPECT_EQ(durable_when_answered, 11U);
}

TEST_F(AofWriterTest, WakesAllWhoWaitWhenASyncFails) {
  constexpr int kThreads = 4;
  std::atomic<int> refused{0};
  fs.fail_syncs(1'000'000);
  std::vector<Thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back("writer", [&] {
      writer.append("x");
      if (!writer.commit()) ++refused;
    });
  }
  for (Thread& t : threads) t.join();
  EXPECT_EQ(refused, kThreads);
}

/// Asks the writer's thread and waits for it.
class AofWriterThreadTest : public AofWriterTest {
 protected:
  void begin(std::unique_ptr<File> file) {
    asked.open(std::move(file), 0);
    asked.on_progress([this](Micros) { ++told; });
    ASSERT_TRUE(asked.start_thread());
  }
  void write(std::string_view records) {
    asked.append(records);
    ASSERT_TRUE(asked.flush());
  }
  void until(const auto& condition) {
    while (!condition()) yield_core();
  }
  std::unique_ptr<File> slow_file(const std::string& name) {
    return std::make_unique<SlowFile>(*fs.open(name, OpenMode::kAppend), syncs, may_end);
  }

  std::atomic<int> syncs{0};
  std::atomic<bool> may_end{false};
  std::atomic<int> told{0};
  AofWriter asked{clock, {.fsync = FsyncPolicy::kAlways, .pending_bytes_max = 1000}};
};

TEST_F(AofWriterThreadTest, MakesDurableWhatWasAskedForAndSaysSo) {
  begin(*fs.open("f", OpenMode::kAppend));
  write("one");
  EXPECT_EQ(asked.reach().appended, 3U);
  EXPECT_EQ(asked.reach().durable, 0U) << "nobody has asked";
  asked.want_durable(3);
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 3U);
}

TEST_F(AofWriterThreadTest, WritesForThoseWhoAsk) {
  begin(*fs.open("f", OpenMode::kAppend));
  asked.append("one");
  asked.want_durable(3);
  until([&] { return asked.reach().durable == 3; });
  EXPECT_EQ(content("f"), "one");
}

TEST_F(AofWriterThreadTest, OneSyncServesAllWhoCameWhileAnotherRan) {
  begin(slow_file("slow"));
  write("a");
  asked.want_durable(1);
  until([&] { return syncs == 1; });
  for (std::uint64_t n = 2; n <= 10; ++n) {
    write("b");
    asked.want_durable(n);
  }
  EXPECT_EQ(asked.reach().durable, 0U) << "a sync that runs has promised nothing";
  may_end = true;
  until([&] { return asked.reach().durable == 10; });
  EXPECT_EQ(syncs, 2);
}

TEST_F(AofWriterThreadTest, ASyncThatBeganBeforeAWriteDoesNotCoverIt) {
  begin(slow_file("slow"));
  write("a");
  asked.want_durable(1);
  until([&] { return syncs == 1; });
  write("b");
  may_end = true;
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 1U);
}

TEST_F(AofWriterThreadTest, AFailedSyncIsToldToThoseWhoWaitAndMakesNothingDurable) {
  begin(*fs.open("f", OpenMode::kAppend));
  write("one");
  fs.fail_syncs(1);
  asked.want_durable(3);
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 0U);
  EXPECT_FALSE(asked.reach().healthy);
  told = 0;
  asked.want_durable(3);
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 0U) << "no later sync brings it back";
}

TEST_F(AofWriterThreadTest, AFailedWriteIsToldAndWhatWasWrittenBeforeBecomesDurable) {
  begin(*fs.open("f", OpenMode::kAppend));
  write("one");
  fs.set_capacity(3);
  asked.append("two");
  asked.want_durable(6);
  until([&] { return told > 0 && !asked.healthy(); });
  until([&] { return asked.reach().durable == 3; });
  fs.set_capacity(std::nullopt);
  told = 0;
  asked.want_durable(6);
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 6U);
  EXPECT_TRUE(asked.reach().healthy);
}

TEST_F(AofWriterThreadTest, AnswersThoseWhoAskForWhatIsDurableMeanwhile) {
  begin(*fs.open("f", OpenMode::kAppend));
  asked.append("one");
  ASSERT_TRUE(asked.commit());
  asked.want_durable(3);
  until([&] { return told > 0; });
}

TEST_F(AofWriterThreadTest, ACompleteBaseServesThoseWhoWaitForABrokenFile) {
  begin(*fs.open("f", OpenMode::kAppend));
  write("one");
  fs.fail_syncs(1);
  asked.want_durable(3);
  until([&] { return told > 0; });
  asked.continue_in(next_file("g"), "");
  asked.base_complete();
  told = 0;
  asked.want_durable(3);
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 3U);
  EXPECT_TRUE(asked.reach().healthy);
}

TEST_F(AofWriterThreadTest, AFileThatEndsWithItsSyncStillRunningIsNotTakenForDurable) {
  begin(slow_file("slow"));
  write("one");
  fs.fail_syncs(1);  // which of two syncs at once is told of the failure is not for us to choose
  asked.want_durable(3);
  until([&] { return syncs == 1; });
  asked.continue_in(next_file("g"), "");
  asked.append("two");
  std::atomic<bool> refused{false};
  Thread flushing("flushing", [&] { refused = !asked.flush(); });
  for (int i = 0; i < 1000; ++i) yield_core();  // time to be wrong
  EXPECT_EQ(syncs, 1) << "the second waits for the first";
  may_end = true;
  flushing.join();
  EXPECT_TRUE(refused);
  EXPECT_EQ(asked.reach().durable, 0U);
  EXPECT_EQ(content("g"), "");
}

TEST_F(AofWriterThreadTest, CountsWhatACloseGivesUp) {
  begin(*fs.open("f", OpenMode::kAppend));
  write("one");
  ASSERT_TRUE(asked.close());
  EXPECT_EQ(asked.reach().losses, 0U);
  asked.open(next_file("g"), 0);
  write("two");
  fs.fail_syncs(1);
  EXPECT_FALSE(asked.close());
  EXPECT_EQ(asked.reach().losses, 1U);
  told = 0;
  asked.want_durable(6);
  until([&] { return told > 0; });
}

TEST_F(AofWriterThreadTest, DoesNotHoldSyncsBackFromThoseWhoHaveAsked) {
  begin(slow_file("slow"));
  asked.configure({.fsync = FsyncPolicy::kAlways, .no_fsync_on_rewrite = true, .pending_bytes_max = 1000});
  write("one");
  asked.want_durable(3);
  asked.hold_syncs();
  asked.configure({.fsync = FsyncPolicy::kNo, .no_fsync_on_rewrite = true, .pending_bytes_max = 1000});
  may_end = true;
  until([&] { return told > 0; });
  EXPECT_EQ(asked.reach().durable, 3U);
}

}  // namespace
}  // namespace ashlar::aof
