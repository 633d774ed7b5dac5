#include "cli/shell/history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/test_directory.h"

namespace ashlar::cli {
namespace {

/// A path in a fresh directory that is removed again.
class TemporaryPath {
 public:
  [[nodiscard]] std::string file() const { return directory_.path("history"); }
  [[nodiscard]] std::string content() const {
    std::ifstream in(file());
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

 private:
  TestDirectory directory_;
};

TEST(History, ComesBackFromItsFile) {
  const TemporaryPath path;
  History(path.file()).add("set a 1");
  History again(path.file());
  again.add("get a");
  EXPECT_EQ(path.content(), "set a 1\nget a\n");
  ASSERT_EQ(again.lines().size(), 2u);
  EXPECT_EQ(again.lines()[0], "set a 1");
}

TEST(History, IsReadableByItsOwnerAlone) {
  const TemporaryPath path;
  History(path.file()).add("ping");
  struct stat info{};
  ASSERT_EQ(::stat(path.file().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(History, LeavesOutSecretsAndRepetitions) {
  const TemporaryPath path;
  History history(path.file());
  for (const char* line : {"ping", "ping", "auth sesame", "AUTH \"sesame", "acl setuser u >sesame", "get a"})
    history.add(line);
  EXPECT_EQ(path.content(), "ping\nget a\n");
  EXPECT_EQ(history.lines().size(), 2u);
}

TEST(History, KeepsTheNewestLines) {
  const TemporaryPath path;
  {
    std::ofstream out(path.file());
    for (std::size_t i = 0; i < 2 * History::kMaxLines + 1; ++i) out << "get " << i << "\n";
  }
  const History history(path.file());
  ASSERT_EQ(history.lines().size(), History::kMaxLines);
  EXPECT_EQ(history.lines().back(), "get 2000");
  EXPECT_TRUE(path.content().starts_with("get 1001\n"));
}

TEST(History, LivesInMemoryWithoutAFile) {
  History history(std::nullopt);
  history.add("ping");
  EXPECT_EQ(history.lines().size(), 1u);
}

}  // namespace
}  // namespace ashlar::cli
