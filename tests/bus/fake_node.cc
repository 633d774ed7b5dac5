#include "fake_node.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

#include "base/check.h"
#include "cluster/bus/codec.h"

namespace ashlar::cluster::bus {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Fd listen_on(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  if (::listen(fd.get(), 16) != 0) return {};
  return fd;
}

Fd connect_to(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return fd;
}

bool readable(const Fd& fd, Millis wait) {
  pollfd poll{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, static_cast<int>(wait.count())) > 0;
}

FakeNode::FakeNode(NodeId id, std::uint16_t client_port, Fd bus_listener, std::uint16_t bus_port)
    : listener_(std::move(bus_listener)) {
  header.sender = id;
  header.port = client_port;
  header.bus_port = bus_port;
  header.flags = {.role = RoleFlag::kPrimary, .myself = true};
  header.state = ClusterState::kOk;
}

void FakeNode::serve(Millis wait) {
  std::vector<pollfd> polls = {{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  std::vector<Link*> polled;
  for (Link& link : links_) {
    if (!link.socket) continue;
    polls.push_back({.fd = link.socket.get(), .events = POLLIN, .revents = 0});
    polled.push_back(&link);
  }
  if (::poll(polls.data(), polls.size(), static_cast<int>(wait.count())) <= 0) return;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polls[i + 1].revents != 0) receive(*polled[i]);
  }
  if (polls[0].revents != 0) {
    links_.emplace_back();
    links_.back().socket = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
}

void FakeNode::receive(Link& link) {
  std::array<char, 4096> bytes;
  const ssize_t size = ::recv(link.socket.get(), bytes.data(), bytes.size(), 0);
  if (size <= 0) {
    link.socket.reset();
    return;
  }
  link.reader.append({bytes.data(), static_cast<std::size_t>(size)});
  for (;;) {
    const auto frame = link.reader.next();
    if (!frame) {
      complaints_.push_back(frame.error().detail);
      link.socket.reset();
      return;
    }
    if (!*frame) return;
    take(link, **frame);
  }
}

void FakeNode::take(Link& link, std::string_view frame) {
  auto decoded = decode(frame);
  if (!decoded) {
    complaints_.push_back(decoded.error().detail);
    return;
  }
  auto* message = std::get_if<Message>(&*decoded);
  if (message == nullptr) {
    complaints_.push_back("a frame of an unknown kind");
    return;
  }
  if (encode(*message) != frame) complaints_.push_back("a frame that is written otherwise than it was read");
  const auto* heartbeat = std::get_if<Heartbeat>(&message->body);
  if (heartbeat != nullptr && heartbeat->kind != HeartbeatKind::kPong) {
    const Heartbeat pong{.kind = HeartbeatKind::kPong, .extensions = extensions};
    ASH_CHECK(link.out.push(share(encode({header, pong}))) == LinkBuffer::Push::kQueued);
    flush(link);
  }
  heard_.push_back(std::move(*message));
}

void FakeNode::flush(Link& link) {
  while (!link.out.empty() && link.socket) {
    std::array<std::string_view, 8> pieces;
    std::array<iovec, 8> vectors;
    const std::size_t count = link.out.pending(pieces);
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr parts{};
    parts.msg_iov = vectors.data();
    parts.msg_iovlen = count;
    const ssize_t written = ::sendmsg(link.socket.get(), &parts, MSG_NOSIGNAL);
    if (written <= 0) {
      link.socket.reset();
      return;
    }
    link.out.written(static_cast<std::size_t>(written));
  }
}

bool FakeNode::link_to(std::uint16_t bus_port) {
  Fd socket = connect_to(bus_port);
  if (!socket) return false;
  links_.emplace_back();
  own_ = &links_.back();
  own_->socket = std::move(socket);
  return true;
}

void FakeNode::send(Body body) {
  ASH_CHECK(own_ != nullptr);
  ASH_CHECK(own_->out.push(share(encode({header, std::move(body)}))) == LinkBuffer::Push::kQueued);
  flush(*own_);
}

}  // namespace ashlar::cluster::bus
