// The append-only log as a whole: start, replay, rewrite, switching on and off, files of older servers.
#include "aof/aof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "aof/aof_world.h"
#include "aof/command_format.h"

namespace ashlar::aof {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Content = std::map<std::string, std::int64_t>;

class AofTest : public ::testing::Test {
 protected:
  static constexpr auto kFolder = "./appendonlydir";
  std::string content(const std::string& name) {
    return read_file(fs, std::string(kFolder) + "/" + name).value_or("(none)");
  }
  void put(const std::string& path, std::string_view bytes) { ASSERT_TRUE(write_file_durably(fs, path, bytes)); }
  void put_log(std::string_view increment) {
    ASSERT_TRUE(fs.make_directory(kFolder));
    put("./appendonlydir/appendonly.aof.1.incr.aof", increment);
    put("./appendonlydir/appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");
  }
  std::string boot_error(TruncatedTail tail = TruncatedTail::kCut) {
    World w(fs);
    const auto booted = w.boot(BaseForm::kRdb, tail);
    return booted ? "" : booted.error().detail;
  }

  testing::FaultyFileSystem fs{5};
};

TEST_F(AofTest, BeginsWithAnEmptyBaseAndAnIncrement) {
  World w(fs);
  const auto report = w.boot();
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_FALSE(report->found);
  EXPECT_THAT(*fs.list(kFolder),
              ElementsAre("appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"));
  EXPECT_EQ(content("appendonly.aof.manifest"),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  EXPECT_THAT(content("appendonly.aof.1.base.rdb"), HasSubstr("aof-base"));
}

TEST_F(AofTest, ReplaysWhatWasCommitted) {
  {
    World w(fs);
    ASSERT_TRUE(w.boot());
    w.increment(0, "a");
    w.increment(2, "b");
    w.increment(2, "b");
    ASSERT_TRUE(w.aof.writer().commit());
    fs.crash();
  }
  World again(fs);
  const auto report = again.boot();
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_TRUE(report->found);
  EXPECT_EQ(again.content(), (Content{{"0:a", 1}, {"2:b", 2}}));
}

class AofRewriteTest : public AofTest, public ::testing::WithParamInterface<BaseForm> {};

TEST_P(AofRewriteTest, PutsANewBaseAndGoesOnInANewIncrement) {
  const BaseForm form = GetParam();
  {
    World w(fs);
    ASSERT_TRUE(w.boot(form));
    for (int i = 0; i < 100; ++i) w.increment(static_cast<std::uint32_t>(i) % 3, "k" + std::to_string(i % 10));
    ASSERT_TRUE(w.aof.rewrite(w.job(form), &w.seat));
    w.aof.wait(&w.seat);
    w.increment(0, "k0");
    ASSERT_TRUE(w.aof.writer().commit());
    const std::string extension = form == BaseForm::kRdb ? "rdb" : "aof";
    EXPECT_EQ(content("appendonly.aof.manifest"), "file appendonly.aof.2.base." + extension +
                                                      " seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
    EXPECT_EQ(fs.list(kFolder)->size(), 3U) << "history is deleted";
    const AofStatus s = w.aof.status();
    EXPECT_FALSE(s.last_rewrite_error);
    EXPECT_EQ(s.current_bytes,
              content("appendonly.aof.2.base." + extension).size() + content("appendonly.aof.2.incr.aof").size());
    fs.crash();
  }
  World again(fs);
  ASSERT_TRUE(again.boot(form));
  const Content loaded = again.content();
  std::int64_t sum = 0;
  for (const auto& [key, value] : loaded) sum += value;
  EXPECT_EQ(sum, 101);
  EXPECT_EQ(loaded.at("0:k0"), 5);  // 0, 30, 60, 90 of the hundred, and one after
}

TEST_P(AofRewriteTest, KeepsEveryIncrementMadeWhileItRuns) {
  const BaseForm form = GetParam();
  {
    World w(fs);
    ASSERT_TRUE(w.boot(form));
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 50; ++i) w.increment(0, "k" + std::to_string(i));
      ASSERT_TRUE(w.aof.rewrite(w.job(form), &w.seat));
      for (int i = 0; i < 50; ++i) {
        w.increment(1, "k" + std::to_string(i));
        ASSERT_TRUE(w.aof.writer().flush());
      }
      w.aof.wait(&w.seat);
    }
    ASSERT_TRUE(w.aof.writer().commit());
    fs.crash();
  }
  World again(fs);
  ASSERT_TRUE(again.boot(form));
  const Content loaded = again.content();
  ASSERT_EQ(loaded.size(), 100U);
  for (const auto& [key, value] : loaded) EXPECT_EQ(value, 10) << key;
}

TEST_F(AofTest, MakesABaseAloneWhileTheLogIsOff) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.disable(&w.seat));
  ASSERT_TRUE(w.aof.rewrite(w.job(), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_EQ(content("appendonly.aof.manifest"), "file appendonly.aof.2.base.rdb seq 2 type b\n");
  EXPECT_FALSE(w.aof.status().enabled);
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:a", 1}}));
}

TEST_F(AofTest, KeepsWhatARewriteReplacedWhenToldTo) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  ASSERT_TRUE(w.aof.set_history(AofFiles::History::kKeep));
  ASSERT_TRUE(w.aof.rewrite(w.job(), &w.seat));
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.rewrite(w.job(), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_EQ(content("appendonly.aof.manifest"),
            "file appendonly.aof.3.base.rdb seq 3 type b\n"
            "file appendonly.aof.2.incr.aof seq 2 type h\n"
            "file appendonly.aof.2.base.rdb seq 2 type h\n"
            "file appendonly.aof.1.incr.aof seq 1 type h\n"
            "file appendonly.aof.1.base.rdb seq 1 type h\n"
            "file appendonly.aof.3.incr.aof seq 3 type i\n");
  ASSERT_TRUE(w.aof.set_history(AofFiles::History::kDelete));
  EXPECT_EQ(fs.list(kFolder)->size(), 3U);
}

TEST_F(AofTest, MarksTheTimeInFrontOfABaseOfCommands) {
  World w(fs);
  ASSERT_TRUE(w.boot(BaseForm::kCommands));
  RewriteJob job = w.job(BaseForm::kCommands);
  job.timestamps = true;
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_EQ(content("appendonly.aof.2.base.aof"), timestamp_line(w.clock.wall()));
}

INSTANTIATE_TEST_SUITE_P(BothForms, AofRewriteTest, ::testing::Values(BaseForm::kRdb, BaseForm::kCommands));

TEST_F(AofTest, GoesOnWithTheFormerFilesWhenARewriteFails) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.writer().commit());
  RewriteJob job = w.job();
  job.at_cut = [this] {
    fs.fail_appends(1, ENOSPC);  // hits the base
    return RewriteCut{};
  };
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.status().last_rewrite_error);
  EXPECT_EQ(w.aof.status().failures_in_a_row, 1U);
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.writer().commit());
  EXPECT_EQ(content("appendonly.aof.manifest"),
            "file appendonly.aof.1.base.rdb seq 1 type b\n"
            "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
  fs.crash();
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:a", 2}}));
}

TEST_F(AofTest, RepairsItselfByARewriteAfterAFailedSync) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  fs.fail_syncs(1);
  EXPECT_FALSE(w.aof.writer().commit());
  w.increment(0, "a");
  EXPECT_TRUE(w.aof.rewrite_due({}));
  ASSERT_TRUE(w.aof.rewrite(w.job(), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_FALSE(w.aof.rewrite_due({}));
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.writer().commit());
  fs.crash();
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:a", 3}}));
}

TEST_F(AofTest, IsSwitchedOnAndOffWhileRunning) {
  World w(fs);
  w.increment(0, "before");
  ASSERT_TRUE(w.aof.enable(w.job(), &w.seat));
  w.increment(1, "during");
  w.aof.wait(&w.seat);
  EXPECT_TRUE(w.aof.status().enabled);
  EXPECT_EQ(content("appendonly.aof.manifest"),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  ASSERT_TRUE(w.aof.disable(&w.seat));
  w.increment(0, "after");
  {
    World off(fs);
    ASSERT_TRUE(off.boot());
    EXPECT_EQ(off.content(), (Content{{"0:before", 1}, {"1:during", 1}}));
  }
  ASSERT_TRUE(w.aof.enable(w.job(), &w.seat));
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.disable(&w.seat));
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:after", 1}, {"0:before", 1}, {"1:during", 1}}));
  EXPECT_EQ(fs.list(kFolder)->size(), 3U);
}

TEST_F(AofTest, KeepsTheFormerFilesUntilItsNewBaseIsComplete) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "former");
  ASSERT_TRUE(w.aof.writer().commit());
  const std::string manifest = content("appendonly.aof.manifest");
  const std::string increment = content("appendonly.aof.1.incr.aof");
  w.forget_all();
  ASSERT_TRUE(w.aof.renew({}, &w.seat));
  EXPECT_FALSE(w.aof.whole());
  EXPECT_TRUE(w.aof.rewrite_due({}));
  w.increment(0, "new");
  RewriteJob job = w.job();
  job.at_cut = [&] {
    EXPECT_EQ(content("appendonly.aof.manifest"), manifest);
    EXPECT_EQ(content("appendonly.aof.1.incr.aof"), increment);
    return w.job().at_cut();
  };
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.increment(0, "new");
  w.aof.wait(&w.seat);
  EXPECT_TRUE(w.aof.whole());
  ASSERT_TRUE(w.aof.disable(&w.seat));
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:new", 2}}));
}

TEST_F(AofTest, LeavesTheFilesAloneWhenWhatIsThereMustNotBecomeABase) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  RewriteJob job = w.job();
  job.at_cut = []() -> Result<RewriteCut> { return fail("not now"); };
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_EQ(w.aof.status().last_rewrite_error->detail, "not now");
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.writer().commit());
  EXPECT_THAT(content("appendonly.aof.manifest"), HasSubstr("file appendonly.aof.1.base.rdb seq 1 type b\n"));
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:a", 2}}));
}

TEST_F(AofTest, LeavesNoIncrementOfAFirstBaseThatWasGivenUp) {
  World w(fs);
  RewriteJob job = w.job();
  job.at_cut = []() -> Result<RewriteCut> { return fail("not now"); };
  ASSERT_TRUE(w.aof.enable(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.disable(&w.seat));
  EXPECT_THAT(*fs.list(kFolder), IsEmpty());
}

TEST_F(AofTest, MovesToAnotherFolderAndLeavesTheFormerWhole) {
  ASSERT_TRUE(fs.make_directory("./other"));
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.renew({.dir = "./other"}, &w.seat));
  w.increment(0, "b");
  RewriteJob job = w.job();
  job.paths.dir = "./other";
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.increment(0, "c");
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.disable(&w.seat));
  World former(fs);
  ASSERT_TRUE(former.boot());
  EXPECT_EQ(former.content(), (Content{{"0:a", 1}}));
  World moved(fs);
  ASSERT_TRUE(moved.aof.open({.dir = "./other"}));
  ASSERT_TRUE(moved.aof.load(moved.load_options()));
  EXPECT_EQ(moved.content(), (Content{{"0:a", 1}, {"0:b", 1}, {"0:c", 1}}));
}

TEST_F(AofTest, BeginsElsewhereWhenItWasOffMeanwhile) {
  ASSERT_TRUE(fs.make_directory("./other"));
  World w(fs);
  ASSERT_TRUE(w.boot());
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.disable(&w.seat));
  RewriteJob job = w.job();
  job.paths.dir = "./other";
  ASSERT_TRUE(w.aof.enable(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  ASSERT_TRUE(w.aof.disable(&w.seat));
  World moved(fs);
  ASSERT_TRUE(moved.aof.open({.dir = "./other"}));
  ASSERT_TRUE(moved.aof.load(moved.load_options()));
  EXPECT_EQ(moved.content(), (Content{{"0:a", 1}}));
}

TEST_F(AofTest, StaysWhereItIsWhenTheOtherFolderCannotBeUsed) {
  ASSERT_TRUE(fs.make_directory("./other"));
  ASSERT_TRUE(fs.make_directory("./other/appendonlydir"));
  put("./other/appendonlydir/appendonly.aof.manifest", "nonsense\n");
  World w(fs);
  ASSERT_TRUE(w.boot());
  EXPECT_FALSE(w.aof.renew({.dir = "./other"}, &w.seat));
  w.increment(0, "a");
  ASSERT_TRUE(w.aof.writer().commit());
  fs.crash();
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:a", 1}}));
}

TEST_F(AofTest, ReportsASecondRewriteAndGrowth) {
  World w(fs);
  ASSERT_TRUE(w.boot());
  const std::uint64_t base = w.aof.status().base_bytes;
  EXPECT_FALSE(w.aof.rewrite_due({.percentage = 100, .min_size = 0}));
  while (w.aof.status().current_bytes < 2 * base) {
    w.increment(0, "a");
    ASSERT_TRUE(w.aof.writer().flush());
  }
  EXPECT_TRUE(w.aof.rewrite_due({.percentage = 100, .min_size = 0}));
  std::string refusal;
  RewriteJob job = w.job();
  job.at_cut = [&] {
    refusal = w.aof.rewrite(w.job(), nullptr).error().detail;
    return RewriteCut{};
  };
  ASSERT_TRUE(w.aof.rewrite(std::move(job), &w.seat));
  w.aof.wait(&w.seat);
  EXPECT_EQ(refusal, "Background append only file rewriting already in progress");
  EXPECT_FALSE(w.aof.rewrite_due({.percentage = 100, .min_size = 0}));
}

TEST_F(AofTest, CountsItsGrowthFromTheBaseAfterARestart) {
  {
    World w(fs);
    ASSERT_TRUE(w.boot());
    for (int i = 0; i < 1000; ++i) w.increment(0, "a");
    ASSERT_TRUE(w.aof.writer().commit());
  }
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.aof.status().base_bytes, content("appendonly.aof.1.base.rdb").size());
  EXPECT_TRUE(again.aof.rewrite_due({.percentage = 100, .min_size = 0}));
}

constexpr std::string_view kIncr = "*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$1\r\n5\r\n";

TEST_F(AofTest, CutsAnIncompleteEndAndGoesOnBehindIt) {
  put_log(std::string(kIncr) + std::string(kIncr.substr(0, 20)));
  {
    World w(fs);
    const auto report = w.boot();
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_EQ(report->cut_bytes, 20U);
    w.increment(0, "k");
    ASSERT_TRUE(w.aof.writer().commit());
  }
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:k", 6}}));
}

TEST_F(AofTest, RefusesAnIncompleteEndWhenToldSoAndLeavesTheFileAlone) {
  const std::string log = std::string(kIncr) + std::string(kIncr.substr(0, 20));
  put_log(log);
  EXPECT_THAT(boot_error(TruncatedTail::kRefuse),
              HasSubstr("Unexpected end of file reading the append only file "
                        "./appendonlydir/appendonly.aof.1.incr.aof: inside a record at "
                        "offset 30"));
  EXPECT_EQ(content("appendonly.aof.1.incr.aof"), log);
}

TEST_F(AofTest, RefusesABadFileAndLeavesItAlone) {
  const std::string log = std::string(kIncr) + "+OK\r\n" + std::string(kIncr);
  put_log(log);
  EXPECT_EQ(boot_error(),
            "Bad file format reading the append only file ./appendonlydir/appendonly.aof.1.incr.aof: '*' expected at "
            "offset 30");
  EXPECT_EQ(content("appendonly.aof.1.incr.aof"), log);
}

TEST_F(AofTest, NamesTheCommandThatFails) {
  put_log(std::string(kIncr) + "*1\r\n$4\r\nNOPE\r\n");
  EXPECT_EQ(boot_error(),
            "./appendonlydir/appendonly.aof.1.incr.aof: command \"NOPE\" failed: unknown command at offset 30");
}

TEST_F(AofTest, AppliesTransactionsWholeOrNotAtAll) {
  const std::string multi = "*1\r\n$5\r\nMULTI\r\n";
  const std::string exec = "*1\r\n$4\r\nEXEC\r\n";
  put_log(multi + std::string(kIncr) + exec + multi + std::string(kIncr) + std::string(kIncr));
  World w(fs);
  const auto report = w.boot();
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(w.content(), (Content{{"0:k", 5}}));
  EXPECT_EQ(report->cut_bytes, 15U + 30 + 30);
  EXPECT_EQ(content("appendonly.aof.1.incr.aof"), multi + std::string(kIncr) + exec);
}

TEST_F(AofTest, RefusesAnIncompleteFileThatIsNotTheLast) {
  put_log(kIncr.substr(0, 20));
  put("./appendonlydir/appendonly.aof.2.incr.aof", kIncr);
  const std::string manifest =
      "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
  put("./appendonlydir/appendonly.aof.manifest", manifest);
  EXPECT_THAT(boot_error(), HasSubstr("but files follow"));
  put("./appendonlydir/appendonly.aof.2.incr.aof", "");
  EXPECT_EQ(boot_error(), "") << "nothing was written behind it";
}

TEST_F(AofTest, RefusesAMissingFileAndAWrongManifest) {
  put_log(kIncr);
  ASSERT_TRUE(fs.remove("./appendonlydir/appendonly.aof.1.incr.aof"));
  EXPECT_THAT(boot_error(), HasSubstr("No such file"));
  put("./appendonlydir/appendonly.aof.manifest", "nonsense\n");
  EXPECT_EQ(boot_error(),
            "./appendonlydir/appendonly.aof.manifest: AOF manifest, line 1: Invalid AOF manifest file format");
}

TEST_F(AofTest, TakesOverTheSingleFileOfOlderServers) {
  put("./appendonly.aof", kIncr);
  {
    World w(fs);
    ASSERT_TRUE(w.boot());
    EXPECT_EQ(w.content(), (Content{{"0:k", 5}}));
    w.increment(0, "k");
    ASSERT_TRUE(w.aof.writer().commit());
  }
  EXPECT_FALSE(fs.exists("./appendonly.aof"));
  EXPECT_EQ(content("appendonly.aof.manifest"),
            "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  World again(fs);
  ASSERT_TRUE(again.boot());
  EXPECT_EQ(again.content(), (Content{{"0:k", 6}}));
}

TEST_F(AofTest, TakesOverASingleFileWithAnRdbInFrontWheneverThePowerFails) {
  std::string rdb = "REDIS0009";
  rdb += std::string("\x00\x01p\xc0\x07\xff", 6) + std::string(8, '\0');  // p = 7
  for (std::uint64_t step = 1; step < 24; ++step) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      testing::FaultyFileSystem disk(seed);
      ASSERT_TRUE(write_file_durably(disk, "./appendonly.aof", rdb + std::string(kIncr)));
      disk.lose_power_after(step);
      {
        World w(disk);
        (void)w.boot();
      }
      disk.crash();
      World w(disk);
      const auto report = w.boot();
      ASSERT_TRUE(report) << step << "/" << seed << " " << report.error().detail;
      EXPECT_EQ(w.content(), (Content{{"0:k", 5}, {"0:p", 7}})) << step << "/" << seed;
    }
  }
}

TEST_F(AofTest, DeletesHistoryAndTemporaryFilesOfAFormerRun) {
  put_log(kIncr);
  put("./appendonlydir/appendonly.aof.1.base.rdb", "whatever");
  put("./appendonlydir/temp-rewriteaof-bg-1.aof", "half");
  put("./appendonlydir/appendonly.aof.manifest",
      "file appendonly.aof.1.base.rdb seq 1 type h\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
  World w(fs);
  ASSERT_TRUE(w.boot());
  EXPECT_THAT(*fs.list(kFolder), ElementsAre("appendonly.aof.1.incr.aof", "appendonly.aof.manifest"));
}

}  // namespace
}  // namespace ashlar::aof
