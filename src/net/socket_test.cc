#include "net/socket.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/test_directory.h"

namespace ashlar::net {
namespace {

int option(const Fd& fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &length), 0);
  return value;
}

struct Pair {
  Fd client;
  Accepted server;
};

Pair connect_to(const Fd& listener, const Endpoint& to) {
  auto client = connect_tcp(to);
  EXPECT_TRUE(client);
  EXPECT_TRUE(*wait_until_ready(listener, Interest::kRead, Millis(5000)));
  auto accepted = accept(listener);
  EXPECT_TRUE(accepted && *accepted);
  EXPECT_TRUE(*wait_until_ready(*client, Interest::kWrite, Millis(5000)));
  EXPECT_TRUE(connect_result(*client));
  return {std::move(*client), std::move(**accepted)};
}

TEST(Socket, ConnectsOverIpv4AndNamesBothEnds) {
  const auto listener = listen_tcp("127.0.0.1", 0, 16);
  ASSERT_TRUE(listener) << listener.error().text();
  const Endpoint listening = *local_endpoint(*listener);
  EXPECT_EQ(listening.address, "127.0.0.1");
  EXPECT_NE(listening.port, 0);
  EXPECT_FALSE(accept(*listener)->has_value());

  const Pair pair = connect_to(*listener, listening);
  EXPECT_EQ(pair.server.peer, *local_endpoint(pair.client));
  EXPECT_EQ(*peer_endpoint(pair.server.fd), *local_endpoint(pair.client));
  EXPECT_EQ(*peer_endpoint(pair.client), listening);
  EXPECT_NE(::fcntl(pair.server.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(pair.server.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Socket, ConnectsOverIpv6IfThereIsAny) {
  const auto listener = listen_tcp("::1", 0, 16);
  if (!listener && listener.error().code == ErrorCode::kNotFound) GTEST_SKIP() << "no IPv6 on this machine";
  ASSERT_TRUE(listener) << listener.error().text();
  EXPECT_EQ(option(*listener, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  const Pair pair = connect_to(*listener, *local_endpoint(*listener));
  EXPECT_EQ(pair.server.peer.address, "::1");
}

TEST(Socket, ConnectsFromTheSourceAddressAskedFor) {
  const auto listener = listen_tcp("127.0.0.1", 0, 16);
  const auto client = connect_tcp(*local_endpoint(*listener), "127.0.0.9");
  ASSERT_TRUE(client) << client.error().text();
  EXPECT_EQ(local_endpoint(*client)->address, "127.0.0.9");
}

TEST(Socket, ATakenPortIsAnError) {
  const auto listener = listen_tcp("127.0.0.1", 0, 16);
  const auto second = listen_tcp("127.0.0.1", local_endpoint(*listener)->port, 16);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kIo);
  EXPECT_NE(second.error().detail.find("Address already in use"), std::string::npos);
}

TEST(Socket, AnAddressOfAnotherMachineIsNotFound) {
  const auto listener = listen_tcp("192.0.2.1", 0, 16);  // TEST-NET-1: nobody has it
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error().code, ErrorCode::kNotFound);
}

TEST(Socket, ARefusedConnectIsTold) {
  Endpoint gone;
  {
    const auto listener = listen_tcp("127.0.0.1", 0, 16);
    gone = *local_endpoint(*listener);
  }
  const auto client = connect_tcp(gone);
  if (client) {
    ASSERT_TRUE(*wait_until_ready(*client, Interest::kWrite, Millis(5000)));
    const auto result = connect_result(*client);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().detail.find("Connection refused"), std::string::npos);
  } else {
    EXPECT_NE(client.error().detail.find("Connection refused"), std::string::npos);
  }
}

TEST(Socket, ConnectTakesNumericAddressesOnly) {
  EXPECT_FALSE(connect_tcp({"localhost", 1}));
  EXPECT_FALSE(connect_tcp({"", 1}));
  EXPECT_TRUE(is_numeric_address("10.0.0.1"));
  EXPECT_TRUE(is_numeric_address("fe80::1"));
  EXPECT_FALSE(is_numeric_address("10.0.0"));
  EXPECT_FALSE(is_numeric_address("example"));
}

/// The path of a socket in a folder of its own.
struct UnixSocket : ::testing::Test {
  [[nodiscard]] struct stat facts() const {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info;
  }
  TestDirectory directory;
  std::string path = directory.path("s");
};

TEST_F(UnixSocket, ReplacesAStaleFileAndCarriesItsPath) {
  {
    ASSERT_TRUE(listen_unix(path, {}, 16));
  }  // leaves its file behind
  const auto listener = listen_unix(path, {.permissions = 0700, .group = {}}, 16);
  ASSERT_TRUE(listener) << listener.error().text();
  EXPECT_EQ(facts().st_mode & 0777, 0700U);
  const auto client = connect_unix(path);
  ASSERT_TRUE(client) << client.error().text();
  const auto accepted = accept(*listener);
  ASSERT_TRUE(accepted && *accepted);
  EXPECT_EQ((*accepted)->peer, (Endpoint{path, 0}));
}

/// A group that this process may give files to and that they do not have anyway; null: there is none.
const group* another_group() {
  if (::geteuid() == 0) return ::getgrnam("daemon");
  std::array<gid_t, 256> groups;
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  for (int i = 0; i < count; ++i) {
    if (groups[static_cast<std::size_t>(i)] != ::getegid()) return ::getgrgid(groups[static_cast<std::size_t>(i)]);
  }
  return nullptr;
}

TEST_F(UnixSocket, BelongsToTheGroupThatWasNamed) {
  const group* another = another_group();
  if (another == nullptr) GTEST_SKIP() << "this user is in one group only, which files have anyway";
  ASSERT_TRUE(listen_unix(path, {.permissions = {}, .group = another->gr_name}, 16));
  EXPECT_EQ(facts().st_gid, another->gr_gid);
}

TEST_F(UnixSocket, IsRefusedForAGroupThatIsNotKnown) {
  const auto refused = listen_unix(path, {.permissions = {}, .group = "no such group"}, 16);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "no group has the name 'no such group'");
}

TEST(Socket, RefusesAUnixPathThatDoesNotFit) {
  EXPECT_FALSE(listen_unix(std::string(200, 'x'), {}, 16));
  EXPECT_FALSE(connect_unix(""));
}

TEST(Socket, SetsTheTcpOptions) {
  const auto listener = listen_tcp("127.0.0.1", 0, 16);
  const Pair pair = connect_to(*listener, *local_endpoint(*listener));
  const Fd& fd = pair.server.fd;
  ASSERT_TRUE(set_nodelay(fd));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  ASSERT_TRUE(set_keepalive(fd, Seconds(300)));
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 100);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
  ASSERT_TRUE(set_keepalive(fd, Seconds(1)));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  ASSERT_TRUE(set_send_buffer(fd, 100'000));
  EXPECT_GE(option(fd, SOL_SOCKET, SO_SNDBUF), 100'000);
}

TEST(Socket, ResolvesNumbersAndTheLocalName) {
  EXPECT_EQ(*resolve("127.0.0.1"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(*resolve("::1"), std::vector<std::string>{"::1"});
  const auto local = resolve("localhost");
  ASSERT_TRUE(local);
  EXPECT_FALSE(local->empty());
  EXPECT_FALSE(resolve(""));
}

TEST(Socket, EndpointsPrintAsClientsWriteThem) {
  EXPECT_EQ(to_string(Endpoint{"127.0.0.1", 6379}), "127.0.0.1:6379");
  EXPECT_EQ(to_string(Endpoint{"::1", 6379}), "[::1]:6379");
}

TEST(Socket, WaitingEndsWithTheTimeout) {
  const auto listener = listen_tcp("127.0.0.1", 0, 16);
  EXPECT_FALSE(*wait_until_ready(*listener, Interest::kRead, Millis(0)));
}

}  // namespace
}  // namespace ashlar::net
