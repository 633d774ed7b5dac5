#include "base/testing/faulty_file_system.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace ashlar::testing {
namespace {

std::string content(FaultyFileSystem& fs, const std::string& path) { return read_file(fs, path).value_or("(none)"); }

TEST(FaultyFileSystem, KeepsWhatWasSyncedOverACrash) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    FaultyFileSystem fs(seed);
    auto file = fs.open("f", OpenMode::kAppend);
    ASSERT_TRUE((*file)->append("durable"));
    ASSERT_TRUE((*file)->sync());
    ASSERT_TRUE(fs.sync_directory("."));
    ASSERT_TRUE((*file)->append(" and not"));
    fs.crash();
    EXPECT_TRUE(content(fs, "f").starts_with("durable"));
    EXPECT_FALSE((*file)->append("dead")) << "a file of an earlier life";
  }
}

TEST(FaultyFileSystem, LosesUnsyncedBytesAndNamesOnSomeSeeds) {
  bool lost_bytes = false;
  bool lost_name = false;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    FaultyFileSystem fs(seed);
    ASSERT_TRUE((*fs.open("f", OpenMode::kAppend))->append("bytes"));
    fs.crash();
    lost_name |= !fs.exists("f");
    lost_bytes |= fs.exists("f") && content(fs, "f") != "bytes";
  }
  EXPECT_TRUE(lost_bytes);
  EXPECT_TRUE(lost_name);
}

TEST(FaultyFileSystem, KeepsDurableReplacementWholeOnEveryPowerLoss) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    FaultyFileSystem fs(seed);
    ASSERT_TRUE(write_file_durably(fs, "f", "old"));
    fs.lose_power_after(1 + seed % 6);
    const bool done = write_file_durably(fs, "f", "new").has_value();
    fs.crash();
    const std::string now = content(fs, "f");
    EXPECT_TRUE(now == "new" || (!done && now == "old")) << seed << " " << now;
  }
}

TEST(FaultyFileSystem, NeverMakesBytesDurableAfterTheirSyncFailed) {
  FaultyFileSystem fs(1);
  auto file = *fs.open("f", OpenMode::kAppend);
  ASSERT_TRUE(file->append("one"));
  ASSERT_TRUE(file->sync());
  ASSERT_TRUE(fs.sync_directory("."));
  ASSERT_TRUE(file->append("two"));
  fs.fail_syncs(1);
  EXPECT_FALSE(file->sync());
  EXPECT_TRUE(file->sync());
  fs.crash();
  EXPECT_EQ(content(fs, "f"), std::string("one\0\0\0", 6));
}

TEST(FaultyFileSystem, WritesAPartWhenTheDiskIsFull) {
  FaultyFileSystem fs(1);
  fs.set_capacity(4);
  auto file = *fs.open("f", OpenMode::kAppend);
  const auto done = file->append("123456");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "write f: No space left on device");
  EXPECT_EQ(content(fs, "f"), "1234");
}

TEST(WriteFileDurably, LeavesNothingBesideTheOldFileWhenTheDiskIsFull) {
  FaultyFileSystem fs(1);
  ASSERT_TRUE(write_file_durably(fs, "a.conf", "old"));
  fs.fail_appends(1, ENOSPC);
  EXPECT_FALSE(write_file_durably(fs, "a.conf", "new"));
  EXPECT_FALSE(fs.exists("a.conf.tmp"));
  EXPECT_EQ(*read_file(fs, "a.conf"), "old");
}

}  // namespace
}  // namespace ashlar::testing
