#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/test_directory.h"

namespace ashlar {
namespace {

class FileOnDisk : public ::testing::Test {
 protected:
  TestDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = make_posix_file_system();
};

TEST_F(FileOnDisk, ReplacementIsReadByNobodyWhoMightNotReadTheOld) {
  const std::string path = directory_.path("redis.conf");
  std::ofstream(path) << "requirepass old";
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(write_file_durably(*fs_, path, "requirepass new"));
  struct stat st{};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600U);
  EXPECT_EQ(*read_file(*fs_, path), "requirepass new");
}

TEST_F(FileOnDisk, ReplacementStaysItsOwners) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  const std::string path = directory_.path("users.acl");
  std::ofstream(path) << "old";
  constexpr uid_t kOther = 65'534;
  ASSERT_EQ(::chown(path.c_str(), kOther, kOther), 0);
  ASSERT_TRUE(write_file_durably(*fs_, path, "new"));
  struct stat st{};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, kOther);
  EXPECT_EQ(st.st_gid, kOther);
}

}  // namespace
}  // namespace ashlar
