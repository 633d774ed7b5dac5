#include "base/log.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/test_directory.h"

namespace ashlar {
namespace {

class LogFile : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(log::open("")); }
  /// How often `word` is in a file of the directory.
  int count(const std::string& file, std::string_view word) {
    const std::string text = read_file(*fs_, path(file)).value_or("");
    int found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }
  [[nodiscard]] std::string path(const std::string& file) const { return directory_.path(file); }

  TestDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

TEST_F(LogFile, IsMadeAnewWhenItWasRenamed) {
  ASSERT_TRUE(log::open(path("x.log")));
  log::notice("first");
  const int descriptor = log::descriptor();
  ASSERT_TRUE(fs_->rename(path("x.log"), path("x.log.1")));
  log::notice("second");
  log::notice("third");
  EXPECT_EQ(count("x.log.1", "first\n"), 1);
  EXPECT_EQ(count("x.log.1", "second"), 0);
  EXPECT_EQ(count("x.log", "second\n"), 1);
  EXPECT_EQ(count("x.log", "third\n"), 1);
  EXPECT_EQ(log::descriptor(), descriptor);  // whoever reports a crash has it
}

TEST_F(LogFile, GoesOnInTheOldOneWhileTheNewOneCannotBeOpened) {
  ASSERT_TRUE(fs_->make_directory(path("logs")));
  ASSERT_TRUE(log::open(path("logs/x.log")));
  ASSERT_TRUE(fs_->rename(path("logs"), path("old")));
  log::notice("first");
  EXPECT_EQ(count("old/x.log", "first"), 1);
}

TEST_F(LogFile, LosesALineThatTheDiskCannotHold) {
  ASSERT_TRUE(log::open("/dev/full"));
  log::notice("first");
  log::notice("second");
}

TEST_F(LogFile, IsNotOpenedInADirectoryThatIsNotThere) {
  ASSERT_TRUE(log::open(path("x.log")));
  EXPECT_FALSE(log::open(path("missing/y.log")));
  EXPECT_FALSE(fs_->exists(path("missing")));
  log::notice("first");
  EXPECT_EQ(count("x.log", "first"), 1);
}

}  // namespace
}  // namespace ashlar
