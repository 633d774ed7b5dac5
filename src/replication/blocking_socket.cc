#include "replication/blocking_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/connection_io.h"
#include "net/socket.h"

namespace ashlar::replication {

Result<void> BlockingSocket::wait(Want want) {
  const net::Interest interest = want == Want::kRead ? net::Interest::kRead : net::Interest::kWrite;
  // Slices of a second, so that an abort is noticed.
  for (std::int64_t waited = 0; waited < timeout_.count() && !aborted(); ++waited) {
    stalled_.store(waited, std::memory_order_relaxed);
    const Result<bool> ready = net::wait_until_ready(fd_, interest, Millis(1000));
    if (ready && !*ready) continue;
    stalled_.store(0, std::memory_order_relaxed);
    return ready ? Result<void>{} : std::unexpected(ready.error());
  }
  stalled_.store(0, std::memory_order_relaxed);
  return fail(ErrorCode::kIo, aborted() ? "aborted" : "timeout");
}

Result<void> BlockingSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (aborted()) return fail(ErrorCode::kIo, "aborted");
    const net::IoOutcome sent = net::write_some(fd_.get(), bytes);
    if (sent.status == net::IoStatus::kWouldBlock) {
      ASH_TRY_VOID(wait(Want::kWrite));
    } else if (sent.status != net::IoStatus::kOk) {
      return fail_errno("write", "socket", sent.error);
    } else {
      traffic_.sent(sent.bytes);
      bytes.remove_prefix(sent.bytes);
    }
  }
  return {};
}

Result<std::size_t> BlockingSocket::receive(std::span<char> room) {
  for (;;) {
    if (aborted()) return fail(ErrorCode::kIo, "aborted");
    const ssize_t n = ::recv(fd_.get(), room.data(), room.size(), 0);
    if (n >= 0) {
      traffic_.received(static_cast<std::uint64_t>(n));
      return static_cast<std::size_t>(n);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return fail_errno("read", "socket", errno);
    ASH_TRY_VOID(wait(Want::kRead));
  }
}

void BlockingSocket::abort() noexcept {
  aborted_.store(true, std::memory_order_relaxed);
  if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
}

}  // namespace ashlar::replication
