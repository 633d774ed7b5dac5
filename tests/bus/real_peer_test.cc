#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "base/ids.h"
#include "base/time.h"
#include "fake_node.h"
#include "real_redis.h"

namespace ashlar::cluster::bus {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

NodeId id_of(char digit) { return *NodeId::from_hex(std::string(40, digit)); }

SlotBitmap slots(std::uint32_t first, std::uint32_t last) {
  SlotBitmap set;
  for (std::uint32_t slot = first; slot <= last; ++slot) set.set(SlotId::wrap(slot));
  return set;
}

/// One real node and the fakes that join it.
class RealPeer : public testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::uint16_t> port = free_port();
    ASSERT_TRUE(port.has_value());
    real_ = RealRedis::start(*port);
    if (real_ == nullptr) GTEST_SKIP() << "no redis-server could be started here";
  }

  void TearDown() override {
    for (const auto& fake : fakes_) EXPECT_THAT(fake->complaints(), IsEmpty());
  }

  /// A port of the range where it and its bus port are free.
  std::optional<std::uint16_t> free_port() {
    while (next_port_ < 21600) {
      const std::uint16_t port = next_port_++;
      if (listen_on(port) && listen_on(static_cast<std::uint16_t>(port + 10'000))) return port;
    }
    return std::nullopt;
  }

  /// A fake node, not yet known to anybody.
  FakeNode& add_fake(char digit) {
    const std::uint16_t port = free_port().value();
    const auto bus_port = static_cast<std::uint16_t>(port + 10'000);
    fakes_.push_back(std::make_unique<FakeNode>(id_of(digit), port, listen_on(bus_port), bus_port));
    return *fakes_.back();
  }

  /// Serves all fakes until `done` or 20 seconds have passed.
  [[nodiscard]] bool serve_until(const std::function<bool()>& done) {
    const SystemClock clock;
    const MonoTime deadline = clock.mono() + Seconds(20);
    while (clock.mono() < deadline) {
      for (const auto& fake : fakes_) fake->serve(Millis(20));
      if (done()) return true;
    }
    return false;
  }

  /// What the real node's CLUSTER NODES says of `id`; empty when it does not know it.
  std::string line_of(const NodeId& id) {
    const std::string nodes = "\n" + real_->ask("CLUSTER NODES");
    const std::size_t start = nodes.find("\n" + id.hex());  // other lines may name it as their primary
    return start == std::string::npos ? std::string()
                                      : nodes.substr(start + 1, nodes.find('\n', start + 1) - start - 1);
  }

  /// Has the real node meet `fake` and serves until it lists it as a connected node.
  [[nodiscard]] bool join(FakeNode& fake) {
    EXPECT_EQ(real_->ask("CLUSTER MEET 127.0.0.1 " + std::to_string(fake.header.port)), "OK");
    return serve_until([&] { return line_of(fake.header.sender).find(" connected") != std::string::npos; });
  }

  /// Serves until the real node's line about `id` contains `text`; then, or in the end, returns the line.
  std::string wait_for(const NodeId& id, const std::string& text) {
    std::string line;
    EXPECT_TRUE(serve_until([&] {
      line = line_of(id);
      return line.find(text) != std::string::npos;
    })) << line;
    return line;
  }

  std::unique_ptr<RealRedis> real_;

 private:
  std::vector<std::unique_ptr<FakeNode>> fakes_;
  std::uint16_t next_port_ = 21500;
};

TEST_F(RealPeer, ListsANodeThatAnsweredItsMeetAsConnected) {
  FakeNode& fake = add_fake('a');
  ASSERT_TRUE(join(fake));
  const std::string line = line_of(fake.header.sender);
  const std::string address =
      " 127.0.0.1:" + std::to_string(fake.header.port) + "@" + std::to_string(fake.header.bus_port) + " master - ";
  EXPECT_THAT(line, HasSubstr(address));
  ASSERT_FALSE(fake.heard().empty());
  const Message& first = fake.heard().front();
  ASSERT_TRUE(std::holds_alternative<Heartbeat>(first.body));
  EXPECT_EQ(std::get<Heartbeat>(first.body).kind, HeartbeatKind::kMeet);
  EXPECT_EQ(first.header.sender.hex(), real_->ask("CLUSTER MYID"));
  EXPECT_EQ(first.header.port, real_->port());
  EXPECT_EQ(first.header.bus_port, real_->bus_port());
}

TEST_F(RealPeer, SendsClientsToTheSlotsThatAPongClaims) {
  FakeNode& fake = add_fake('a');
  fake.header.config_epoch = ConfigEpoch{7};
  fake.header.current_epoch = ConfigEpoch{7};
  fake.header.slots = slots(0, 16383);
  ASSERT_TRUE(join(fake));
  EXPECT_THAT(wait_for(fake.header.sender, "0-16383"), HasSubstr(" 7 connected 0-16383"));
  ASSERT_TRUE(serve_until([&] { return real_->ask("GET foo").starts_with("-MOVED"); }));
  EXPECT_EQ(real_->ask("GET foo"), "-MOVED 12182 127.0.0.1:" + std::to_string(fake.header.port));
}

TEST_F(RealPeer, ShowsTheHostnameOfThePongsExtension) {
  FakeNode& fake = add_fake('a');
  fake.extensions = {HostnameExtension{"fake.example.org"}, ShardIdExtension{id_of('9')}};
  ASSERT_TRUE(join(fake));
  EXPECT_THAT(wait_for(fake.header.sender, ",fake.example.org"), HasSubstr(" connected"));
}

TEST_F(RealPeer, HandsAPublishedMessageToItsSubscriber) {
  FakeNode& fake = add_fake('a');
  ASSERT_TRUE(join(fake));
  const Fd subscriber = connect_to(real_->port());
  ASSERT_TRUE(subscriber);
  ASSERT_EQ(::send(subscriber.get(), "SUBSCRIBE news\r\n", 16, MSG_NOSIGNAL), 16);
  ASSERT_TRUE(fake.link_to(real_->bus_port()));
  std::string text;
  bool sent = false;
  EXPECT_TRUE(serve_until([&] {
    std::array<char, 512> bytes;
    if (readable(subscriber, Millis(0))) {
      const ssize_t size = ::recv(subscriber.get(), bytes.data(), bytes.size(), 0);
      if (size > 0) text.append(bytes.data(), static_cast<std::size_t>(size));
    }
    if (!sent && !text.empty()) {
      fake.send(Publish{ChannelKind::kGlobal, "news", "from the bus"});
      sent = true;
    }
    return text.ends_with("$7\r\nmessage\r\n$4\r\nnews\r\n$12\r\nfrom the bus\r\n");
  })) << text;
}

TEST_F(RealPeer, BelievesAFailNoticeAboutAThirdNode) {
  FakeNode& dead = add_fake('a');
  FakeNode& witness = add_fake('b');
  ASSERT_TRUE(join(dead));
  ASSERT_TRUE(join(witness));
  ASSERT_TRUE(witness.link_to(real_->bus_port()));
  witness.send(FailNotice{dead.header.sender});
  EXPECT_THAT(wait_for(dead.header.sender, "master,fail"), StartsWith(std::string(40, 'a')));
}

TEST_F(RealPeer, TakesOverTheClaimOfAnUpdate) {
  FakeNode& owner = add_fake('a');
  FakeNode& witness = add_fake('b');
  ASSERT_TRUE(join(owner));
  ASSERT_TRUE(join(witness));
  ASSERT_TRUE(witness.link_to(real_->bus_port()));
  witness.send(Update{ConfigEpoch{9}, owner.header.sender, slots(100, 200)});
  EXPECT_THAT(wait_for(owner.header.sender, "100-200"), HasSubstr(" 9 connected 100-200"));
}

TEST_F(RealPeer, GrantsItsVoteToAReplicaThatForcesIt) {
  ASSERT_EQ(real_->ask("CLUSTER ADDSLOTSRANGE 0 100"), "OK");
  FakeNode& primary = add_fake('a');
  primary.header.config_epoch = ConfigEpoch{5};
  primary.header.current_epoch = ConfigEpoch{5};
  primary.header.slots = slots(101, 16383);
  ASSERT_TRUE(join(primary));
  FakeNode& replica = add_fake('b');
  replica.header = {.sender = replica.header.sender,
                    .current_epoch = primary.header.current_epoch,
                    .config_epoch = primary.header.config_epoch,
                    .slots = primary.header.slots,
                    .role = ReplicaOf{primary.header.sender},
                    .port = replica.header.port,
                    .bus_port = replica.header.bus_port,
                    .flags = {.role = RoleFlag::kReplica, .myself = true},
                    .state = ClusterState::kOk};
  ASSERT_TRUE(join(replica));
  EXPECT_THAT(wait_for(replica.header.sender, "slave " + primary.header.sender.hex()), HasSubstr(" connected"));
  EXPECT_THAT(wait_for(primary.header.sender, "101-16383"), HasSubstr(" 5 connected"));
  ASSERT_TRUE(replica.link_to(real_->bus_port()));
  replica.header.current_epoch = ConfigEpoch{6};
  replica.header.force_ack = true;
  replica.send(AuthRequest{});
  EXPECT_TRUE(serve_until([&] {
    for (const Message& message : replica.heard()) {
      if (std::holds_alternative<AuthAck>(message.body) && message.header.current_epoch == ConfigEpoch{6}) return true;
    }
    return false;
  }));
}

}  // namespace
}  // namespace ashlar::cluster::bus
