#include "net/connection_io.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "base/fd.h"

namespace ashlar::net {
namespace {

struct ConnectionIo : ::testing::Test {
  ConnectionIo() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    near = Fd(fds[0]);
    far = Fd(fds[1]);
  }
  Fd near;
  Fd far;
  ByteBuffer buffer;
};

TEST_F(ConnectionIo, ReadsWhatWasWrittenBehindWhatIsThere) {
  buffer.append("old ");
  EXPECT_EQ(write_some(far.get(), "hello").bytes, 5U);
  const IoOutcome outcome = read_some(near.get(), buffer, 100);
  EXPECT_EQ(outcome.status, IoStatus::kOk);
  EXPECT_EQ(outcome.bytes, 5U);
  EXPECT_EQ(buffer.view(), "old hello");
}

TEST_F(ConnectionIo, ReadsAtMostTheBound) {
  EXPECT_EQ(write_some(far.get(), "hello").bytes, 5U);
  EXPECT_EQ(read_some(near.get(), buffer, 3).bytes, 3U);
  EXPECT_EQ(buffer.view(), "hel");
}

TEST_F(ConnectionIo, AnEmptySocketWouldBlock) {
  EXPECT_EQ(read_some(near.get(), buffer, 100).status, IoStatus::kWouldBlock);
  EXPECT_TRUE(buffer.empty());
}

TEST_F(ConnectionIo, AClosedPeerEndsTheStream) {
  far.reset();
  EXPECT_EQ(read_some(near.get(), buffer, 100).status, IoStatus::kClosed);
}

TEST_F(ConnectionIo, WritingToAClosedPeerFailsWithoutASignal) {
  far.reset();
  const IoOutcome outcome = write_some(near.get(), "x");
  EXPECT_EQ(outcome.status, IoStatus::kFailed);
  EXPECT_EQ(outcome.error, EPIPE);
}

TEST_F(ConnectionIo, AFullSocketTakesAPartAndThenWouldBlock) {
  const std::string big(8 * 1024 * 1024, 'x');
  std::size_t written = 0;
  IoOutcome outcome{IoStatus::kOk};
  while (outcome.status == IoStatus::kOk) {
    outcome = write_some(near.get(), std::string_view(big).substr(written));
    written += outcome.bytes;
  }
  EXPECT_EQ(outcome.status, IoStatus::kWouldBlock);
  EXPECT_GT(written, 0U);
  EXPECT_LT(written, big.size());
}

TEST_F(ConnectionIo, GathersPiecesInOrder) {
  const std::array<std::string_view, 3> pieces = {"ab", "", "cde"};
  EXPECT_EQ(write_some(far.get(), pieces).bytes, 5U);
  EXPECT_EQ(read_some(near.get(), buffer, 100).bytes, 5U);
  EXPECT_EQ(buffer.view(), "abcde");
}

TEST_F(ConnectionIo, GathersNoMorePiecesThanTheBound) {
  const std::vector<std::string_view> pieces(kMaxPieces + 10, "x");
  EXPECT_EQ(write_some(far.get(), pieces).bytes, kMaxPieces);
}

TEST_F(ConnectionIo, ABadDescriptorFails) {
  near.reset();
  const IoOutcome outcome = read_some(1'000'000, buffer, 10);
  EXPECT_EQ(outcome.status, IoStatus::kFailed);
  EXPECT_EQ(outcome.error, EBADF);
}

}  // namespace
}  // namespace ashlar::net
