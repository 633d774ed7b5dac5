// What a replica reads on its socket, byte by byte, from the moment it is taken.
#include "replication/replicas.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/testing/faulty_file_system.h"

namespace ashlar::replication {
namespace {

struct ReplicasTest : ::testing::Test {
  SystemClock clock;
  net::EventLoop loop{clock};
  keyspace::Keyspace keyspace{1};
  changelog::ChangeLog log;
  snapshot::SnapshotHost snapshots{keyspace, clock};
  testing::FaultyFileSystem files{3};
  Rng rng{3};
  NodeId history = draw_node_id(rng);
  Traffic traffic;
  command::CommandTable commands;
  Stream stream{history, 4096, [] {}};
  Replicas replicas{{loop, log, snapshots, files, stream, traffic, commands, [] { return DbIndex{0}; }, [] {}}};

  /// A replica that has the first `position` bytes of the history; the far end of its connection.
  [[nodiscard]] Fd come(std::int64_t position) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    ReplicaTraits traits;
    traits.knows_psync2 = true;
    SyncRequest request;
    request.history = history;
    request.position = position;
    replicas.take({Fd(ends[0]), {}, ClientId{1}, "127.0.0.1:1", {}}, request, std::move(traits));
    return Fd(ends[1]);
  }
  static std::string received(const Fd& fd) {
    std::string text(4096, '\0');
    const ssize_t n = ::read(fd.get(), text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }
  [[nodiscard]] std::string greeting() const { return "+CONTINUE " + history.hex() + "\r\n"; }
};

TEST_F(ReplicasTest, AnswersBeforeAnyByteOfTheStreamThatOthersStillWaitFor) {
  const Fd first = come(0);
  EXPECT_EQ(received(first), greeting());
  stream.append("written");  // and handed to nobody yet
  const Fd second = come(0);
  EXPECT_EQ(received(second), greeting() + "written");
  EXPECT_EQ(received(first), "written");
}

TEST_F(ReplicasTest, SendsTheRestOfTheStreamOnce) {
  const Fd first = come(0);
  stream.append("written");
  const Fd second = come(5);
  stream.append(" later");
  replicas.feed();
  EXPECT_EQ(received(second), greeting() + "en later");
}

TEST_F(ReplicasTest, GoesOnWithWhatWaitsForAnotherReplicaWhereTheBacklogHasForgottenIt) {
  constexpr auto kNothing = std::numeric_limits<std::int64_t>::max();
  Fd slow = come(0);
  std::string all;
  const auto write = [&] {
    const std::string piece(1000, static_cast<char>('a' + all.size() / 1000 % 26));
    stream.append(piece);
    all += piece;
    replicas.feed();
  };
  while (replicas.holds_from() == kNothing) write();  // until its socket takes no more
  for (int i = 0; i < 10; ++i) write();               // more than the backlog keeps
  const std::int64_t from = replicas.holds_from() + 10;
  ASSERT_FALSE(stream.resume(history, from));
  const Fd other = come(from);
  stream.append("later");
  replicas.feed();
  std::string seen;
  for (std::string more = received(other); !more.empty(); more = received(other)) seen += more;
  EXPECT_EQ(seen, greeting() + all.substr(static_cast<std::size_t>(from)) + "later");
  const Fd ahead = come(static_cast<std::int64_t>(all.size()) + 6);  // further than we are: not from our history
  EXPECT_EQ(replicas.counts().resumed, 2U);
  slow.reset();
  loop.run_turn(Micros(0));
  EXPECT_EQ(replicas.holds_from(), kNothing);
}

TEST_F(ReplicasTest, ALimitBelowTheSizeOfTheBacklogCutsNobodyOffWhoGoesOnFromThere) {
  Settings settings;
  settings.backlog_size = 1 << 20;
  settings.output_hard = 1;
  replicas.configure(settings);
  const Fd slow = come(0);
  constexpr auto kNothing = std::numeric_limits<std::int64_t>::max();
  while (replicas.holds_from() == kNothing) {
    stream.append(std::string(1000, 'x'));
    replicas.feed();
  }
  EXPECT_EQ(replicas.status().size(), 1U);
  stream.append(std::string(settings.backlog_size, 'x'));
  replicas.feed();
  EXPECT_EQ(replicas.status().size(), 0U);
}

}  // namespace
}  // namespace ashlar::replication
