#include "server/oom_score.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

namespace ashlar::server {
namespace {

using Mode = OomScore::Mode;
using Role = OomScore::Role;

/// A file in the place of the system's.
class OomScoreOnAFile : public testing::Test {
 protected:
  OomScoreOnAFile() { put("22"); }
  ~OomScoreOnAFile() override { (void)std::remove(path_.c_str()); }

  void put(std::string_view text) {
    const auto file = files_->open(path_, OpenMode::kTruncate);
    ASSERT_TRUE(file && (*file)->append(text));
  }
  std::string now() { return read_file(*files_, path_).value_or("unreadable"); }

  std::string path_ = testing::TempDir() + "oom-score-" + std::to_string(::getpid());
  std::unique_ptr<FileSystem> files_ = make_posix_file_system();
  OomScore score_{*files_, path_};
};

TEST_F(OomScoreOnAFile, RelativeAddsToWhatWasThere) {
  ASSERT_TRUE(score_.apply({Mode::kRelative, 9, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "31");
  ASSERT_TRUE(score_.apply({Mode::kRelative, 10, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "32") << "not to what we have set";
}

TEST_F(OomScoreOnAFile, AReplicaHasAValueOfItsOwn) {
  ASSERT_TRUE(score_.apply({Mode::kRelative, 9, 20}, Role::kReplica));
  EXPECT_EQ(now(), "42");
}

TEST_F(OomScoreOnAFile, AbsoluteIgnoresWhatWasThere) {
  ASSERT_TRUE(score_.apply({Mode::kAbsolute, 9, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "9");
}

TEST_F(OomScoreOnAFile, WhatWasThereComesBackWhenTurnedOff) {
  ASSERT_TRUE(score_.apply({Mode::kRelative, 9, 20}, Role::kPrimary));
  ASSERT_TRUE(score_.apply({Mode::kLeft, 9, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "22");
}

TEST_F(OomScoreOnAFile, TurnedOffItLeavesTheScoreOfOthersAlone) {
  ASSERT_TRUE(score_.apply({Mode::kLeft, 9, 20}, Role::kPrimary));
  put("5");
  ASSERT_TRUE(score_.apply({Mode::kLeft, 10, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "5");
}

TEST_F(OomScoreOnAFile, ASumBeyondWhatTheSystemTakesIsCutOff) {
  ASSERT_TRUE(score_.apply({Mode::kRelative, 2000, 20}, Role::kPrimary));
  EXPECT_EQ(now(), "1000");
}

TEST(OomScore, IsAnErrorWhereTheSystemHasNone) {
  const auto files = make_posix_file_system();
  OomScore score(*files, "/nowhere/oom_score_adj");
  EXPECT_FALSE(score.apply({Mode::kAbsolute, 9, 20}, Role::kPrimary));
}

TEST(OomWish, ReadsBothDirectives) {
  const OomScore::Wish wish = oom_wish("relative", "-5 200 800");
  EXPECT_EQ(wish.mode, Mode::kRelative);
  EXPECT_EQ(wish.primary, -5);
  EXPECT_EQ(wish.replica, 200);
  EXPECT_EQ(oom_wish("yes", "1 2 3").mode, Mode::kRelative);
  EXPECT_EQ(oom_wish("absolute", "1 2 3").mode, Mode::kAbsolute);
  EXPECT_EQ(oom_wish("no", "1 2 3").mode, Mode::kLeft);
}

}  // namespace
}  // namespace ashlar::server
