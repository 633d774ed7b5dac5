#include "net/gathering.h"

#include <gtest/gtest.h>

#include <vector>

namespace ashlar::net {
namespace {

constexpr Micros kRest{50};

/// Peers that become ready in turn, and what is made of it.
class Traffic {
 public:
  explicit Traffic(std::size_t peers, Micros rest = kRest) : gathering_(rest), marks_(peers) {}

  /// `turns` of `served` events each, one turn every `gap`. Returns the rest before the last wait.
  Micros run(int turns, std::size_t served, Micros gap) {
    Micros last{0};
    for (int i = 0; i < turns; ++i) {
      for (std::size_t k = 0; k < served; ++k) gathering_.saw(marks_[next_++ % marks_.size()]);
      now_ += gap;
      last = gathering_.before_wait(now_, served);
    }
    return last;
  }

 private:
  Gathering gathering_;
  std::vector<std::uint32_t> marks_;
  std::size_t next_ = 0;
  MonoTime now_{Seconds(1)};
};

TEST(Gathering, RestsWhileManyPeersSendQuicklyOneAfterTheOther) {
  EXPECT_EQ(Traffic(50).run(500, 1, Micros(20)), kRest);
  EXPECT_EQ(Traffic(50).run(50, 10, Micros(200)), kRest);
}

TEST(Gathering, DoesNotRestBeforeItHasSeenThem) { EXPECT_EQ(Traffic(50).run(10, 1, Micros(20)), Micros(0)); }

TEST(Gathering, NeverRestsForFewPeers) {
  EXPECT_EQ(Traffic(1).run(1000, 1, Micros(10)), Micros(0));
  EXPECT_EQ(Traffic(15).run(1000, 1, Micros(10)), Micros(0));
}

TEST(Gathering, NeverRestsWhenRequestsAreRare) { EXPECT_EQ(Traffic(50).run(1000, 1, Micros(60)), Micros(0)); }

TEST(Gathering, DoesNotRestWhenHalfOfThePeersAreReadyAnyway) {
  EXPECT_EQ(Traffic(50).run(100, 25, Micros(400)), Micros(0));
}

TEST(Gathering, EndsWhenTheTrafficDoes) {
  Traffic traffic(50);
  ASSERT_EQ(traffic.run(500, 1, Micros(20)), kRest);
  EXPECT_EQ(traffic.run(1, 1, Seconds(1)), Micros(0));
}

TEST(Gathering, IsOffWithoutATime) { EXPECT_EQ(Traffic(50, Micros(0)).run(1000, 1, Micros(20)), Micros(0)); }

}  // namespace
}  // namespace ashlar::net
