#include "cluster/driver/link.h"

#include <array>

#include "base/log.h"
#include "net/connection_io.h"
#include "net/socket.h"

namespace ashlar::cluster {

namespace {
constexpr std::size_t kReadChunk = 64 * 1024;
}

Driver::Link::Link(Driver& driver, LinkId id, Fd fd, Direction direction, std::size_t buffer_limit)
    : driver_(driver),
      id_(id),
      fd_(std::move(fd)),
      direction_(direction),
      connected_(direction == Direction::kAccepted),
      created_(driver.loop_.wall_now()),
      out_(buffer_limit) {}

Result<void> Driver::Link::open() {
  const auto interest = connected_ ? net::Interest::kRead : net::Interest::kReadWrite;
  ASH_TRY(watch_, driver_.loop_.watch(fd_.get(), interest, *this));
  if (connected_) learn_addresses();
  return {};
}

void Driver::Link::learn_addresses() {
  (void)net::set_nodelay(fd_);
  (void)net::set_keepalive(fd_, Seconds(15));
  if (const auto peer = net::peer_endpoint(fd_)) peer_ip_ = peer->address;
  if (const auto local = net::local_endpoint(fd_)) local_ip_ = local->address;
}

void Driver::Link::close() noexcept {
  open_ = false;
  watch_ = {};
  fd_.reset();
  out_.clear();
}

void Driver::Link::finish_connect() {
  if (const auto connected = net::connect_result(fd_); !connected) {
    const bool refused = connected.error().detail.find("refused") != std::string::npos;
    driver_.lost(id_, refused ? LinkEnd::kRefused : LinkEnd::kClosed);
    return;
  }
  connected_ = true;
  learn_addresses();
  watch_.set_interest(net::Interest::kRead);
  driver_.step(LinkUp{id_});
}

void Driver::Link::on_ready(net::Readiness readiness) noexcept {
  if (!open_) return;
  if (!connected_) {
    finish_connect();
    return;
  }
  if (readiness.readable || readiness.failed) read();
  if (open_ && readiness.writable) write();
}

void Driver::Link::read() {
  const net::IoOutcome got = net::read_some(fd_.get(), in_, kReadChunk);
  if (got.status == net::IoStatus::kWouldBlock) return;
  if (got.status != net::IoStatus::kOk) {
    driver_.lost(id_, LinkEnd::kClosed);
    return;
  }
  reader_.append(in_.view());
  in_.clear();
  while (open_) {
    const auto frame = reader_.next();
    if (!frame) {
      log::warning("Bad data on the cluster bus from {}: {}", peer_ip_, frame.error().text());
      driver_.lost(id_, LinkEnd::kClosed);
      return;
    }
    if (!*frame) return;
    driver_.received(*this, **frame);
  }
}

void Driver::Link::send(bus::SharedFrame frame) {
  if (!open_ || !connected_) return;
  if (out_.push(std::move(frame)) == bus::LinkBuffer::Push::kOverLimit) {
    log::warning("Freeing cluster link to {}: its send buffer is over cluster-link-sendbuf-limit", peer_ip_);
    ++driver_.counts_.links_over_limit;
    driver_.lost(id_, LinkEnd::kClosed);
    return;
  }
  write();
}

void Driver::Link::write() {
  std::array<std::string_view, net::kMaxPieces> pieces;
  while (!out_.empty()) {
    const std::size_t n = out_.pending(pieces);
    const net::IoOutcome sent = net::write_some(fd_.get(), std::span(pieces).first(n));
    if (sent.status == net::IoStatus::kWouldBlock) break;
    if (sent.status != net::IoStatus::kOk) {
      driver_.lost(id_, LinkEnd::kClosed);
      return;
    }
    out_.written(sent.bytes);
  }
  watch_.set_interest(out_.empty() ? net::Interest::kRead : net::Interest::kReadWrite);
}

}  // namespace ashlar::cluster
