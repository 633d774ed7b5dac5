#include "net/connection_io.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace ashlar::net {
namespace {

/// Runs a system call until no signal interrupts it.
template <typename Call>
IoOutcome outcome_of(Call call) {
  while (true) {
    const ssize_t n = call();
    if (n >= 0) return {IoStatus::kOk, static_cast<std::size_t>(n)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::kWouldBlock};
    return {IoStatus::kFailed, 0, errno};
  }
}

}  // namespace

IoOutcome read_some(int fd, ByteBuffer& into, std::size_t max) {
  char* room = into.reserve_back(max);
  IoOutcome outcome = outcome_of([&] { return ::recv(fd, room, max, 0); });
  if (outcome.status == IoStatus::kOk && outcome.bytes == 0) outcome.status = IoStatus::kClosed;
  into.commit(outcome.bytes);
  return outcome;
}

IoOutcome write_some(int fd, std::string_view bytes) {
  return outcome_of([&] { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
}

IoOutcome write_some(int fd, std::span<const std::string_view> pieces) {
  std::array<iovec, kMaxPieces> vectors;
  const std::size_t count = std::min(pieces.size(), kMaxPieces);
  for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return outcome_of([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL); });
}

}  // namespace ashlar::net
