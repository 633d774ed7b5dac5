#include "replication/overflow.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "base/testing/faulty_file_system.h"
#include "base/time.h"

namespace ashlar::replication {
namespace {

class OverflowTest : public ::testing::Test {
 protected:
  std::shared_ptr<Block> block(const std::string& bytes) {
    auto made = std::make_shared<Block>();
    made->bytes = bytes;
    made->memory = CountedMemory(memory_, bytes.size());
    return made;
  }
  void turn_until(const std::function<bool()>& condition) {
    while (!condition()) loop_.run_turn(Seconds(1));
  }

  SystemClock clock_;
  net::EventLoop loop_{clock_};
  testing::FaultyFileSystem files_{1};
  std::shared_ptr<CountedMemory::Counter> memory_ = std::make_shared<CountedMemory::Counter>(0);
  Overflow overflow_{loop_, files_};
};

TEST_F(OverflowTest, GivesTheMemoryOfABlockBackAndBringsItsBytesWhenAsked) {
  const auto first = block("first");
  const auto second = block("second, longer");
  overflow_.put_away(first);
  overflow_.put_away(second);
  turn_until([&] { return first->away != 0 && second->away != 0; });
  EXPECT_EQ(memory_->load(), 0U);
  EXPECT_EQ(second->size(), 14U);
  EXPECT_TRUE(second->bytes.empty());
  bool back = false;
  overflow_.fetch(second, [&](const Result<void>& done) { back = done.has_value(); });
  turn_until([&] { return second->away == 0; });
  EXPECT_TRUE(back);
  EXPECT_EQ(second->bytes, "second, longer");
  EXPECT_TRUE(first->bytes.empty());
}

TEST_F(OverflowTest, LeavesNoNameBehind) {
  const auto kept = block("bytes");
  overflow_.put_away(kept);
  turn_until([&] { return kept->away != 0; });
  EXPECT_TRUE(files_.list(".")->empty());
}

TEST_F(OverflowTest, KeepsInMemoryWhatTheDiskRefuses) {
  files_.fail_appends(1, ENOSPC);
  const auto kept = block("bytes");
  const auto later = block("later");
  overflow_.put_away(kept);
  overflow_.put_away(later);
  turn_until([&] { return later->away != 0; });
  EXPECT_EQ(kept->bytes, "bytes");
  EXPECT_EQ(memory_->load(), 5U);
}

}  // namespace
}  // namespace ashlar::replication
