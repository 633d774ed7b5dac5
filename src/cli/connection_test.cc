#include "cli/connection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace ashlar::cli {
namespace {

/// A listening loopback socket that scripts one peer; no thread is needed because the kernel accepts and buffers.
class Peer {
 public:
  Peer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] Endpoint endpoint() const { return {.host = "127.0.0.1", .port = port_, .unix_path = {}}; }
  void accept() { peer_ = Fd(::accept(listener_.get(), nullptr, nullptr)); }
  void say(std::string_view bytes) {
    EXPECT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] std::string hear(std::size_t size) {
    std::string bytes(size, '\0');
    EXPECT_EQ(::recv(peer_.get(), bytes.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return bytes;
  }
  void hang_up() { peer_.reset(); }
  void stop() { listener_.reset(); }

 private:
  Fd listener_;
  Fd peer_;
  std::uint16_t port_ = 0;
};

Connection dial(Peer& peer) {
  auto connection = Connection::dial(peer.endpoint(), Millis(1000));
  EXPECT_TRUE(connection.has_value());
  peer.accept();
  return std::move(*connection);
}

TEST(Connection, IsInterruptedWhileThePeerIsSilent) {
  Peer peer;
  Connection connection = dial(peer);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const Fd stop(pipe[0]);
  const Fd other_end(pipe[1]);
  connection.set_stop_signal(stop.get());
  peer.say("+PONG\r\n$4\r\nhal");
  EXPECT_TRUE(connection.call({"PING"}).has_value());
  ASSERT_EQ(::write(other_end.get(), "x", 1), 1);
  const auto reply = connection.receive();
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnblocked);
  EXPECT_FALSE(connection.is_open());
}

TEST(Connection, SendsACommandAndReadsItsReply) {
  Peer peer;
  Connection connection = dial(peer);
  peer.say("$1\r\nv\r\n");
  const auto reply = connection.call({"GET", "k"});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(*reply, resp::Value::bulk("v"));
  EXPECT_EQ(peer.hear(20), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
}

TEST(Connection, ReadsPipelinedRepliesInOrder) {
  Peer peer;
  Connection connection = dial(peer);
  connection.queue({"A"});
  connection.queue({"B"});
  ASSERT_TRUE(connection.flush().has_value());
  peer.say(":1\r\n-ERR b\r\n");
  EXPECT_EQ(connection.receive().value(), resp::Value::integer(1));
  EXPECT_EQ(connection.receive().value(), resp::Value::error("ERR b"));
}

TEST(Connection, HandsPushesToTheHandler) {
  Peer peer;
  Connection connection = dial(peer);
  std::size_t pushes = 0;
  connection.set_push_handler([&](const resp::Value& push) { pushes += push.items().size(); });
  peer.say(">2\r\n+a\r\n+b\r\n+OK\r\n");
  EXPECT_TRUE(connection.call({"X"}).value().is_simple("OK"));
  EXPECT_EQ(pushes, 2u);
}

TEST(Connection, SaysThatTheServerClosed) {
  Peer peer;
  Connection connection = dial(peer);
  peer.hang_up();
  const auto reply = connection.receive();
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().detail, "Server closed the connection");
  EXPECT_FALSE(connection.is_open());
}

TEST(Connection, GivesUpOnASilentPeer) {
  Peer peer;
  Connection connection = dial(peer);
  connection.set_read_timeout(Millis(1));
  const auto reply = connection.call({"PING"});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().detail, "Connection timed out");
}

TEST(Connection, NamesTheEndpointThatRefuses) {
  Peer peer;
  peer.stop();
  const auto connection = Connection::dial(peer.endpoint(), Millis(1000));
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().detail,
            "Could not connect to Redis at " + peer.endpoint().text() + ": Connection refused");
}

TEST(Connection, NamesTheUnixSocketThatIsMissing) {
  const auto connection = Connection::dial({.unix_path = "/nonexistent/ashlar.sock"}, Millis(1000));
  ASSERT_FALSE(connection.has_value());
  EXPECT_EQ(connection.error().detail,
            "Could not connect to Redis at /nonexistent/ashlar.sock: No such file or directory");
}

}  // namespace
}  // namespace ashlar::cli
