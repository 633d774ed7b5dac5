/// A socket shared by a loop and one thread that waits for it; the loop may end the wait at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "base/time.h"
#include "replication/traffic.h"

namespace ashlar::replication {

/// The descriptor is non-blocking and lives as long as the object. Thread: one waits, any aborts.
class BlockingSocket {
 public:
  /// Without a byte moving for `timeout` an operation fails. `traffic` counts what send() and receive() move, and must
  /// outlive the object; who uses the descriptor itself counts for himself.
  BlockingSocket(Fd fd, Seconds timeout, Traffic& traffic) noexcept
      : fd_(std::move(fd)), timeout_(timeout), traffic_(traffic) {}

  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] Traffic& traffic() const noexcept { return traffic_; }
  /// Takes the descriptor out; nobody may be waiting.
  [[nodiscard]] Fd release() noexcept { return std::move(fd_); }
  /// Sends all. Errors: kIo.
  [[nodiscard]] Result<void> send(std::string_view bytes);
  /// At least one byte; 0 at the end of the connection. Errors: kIo.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> room);
  /// Ends the connection and with it every wait, soon.
  void abort() noexcept;
  [[nodiscard]] bool aborted() const noexcept { return aborted_.load(std::memory_order_relaxed); }
  /// How long the present operation has waited without a byte moving; zero when none waits. Thread: any.
  [[nodiscard]] Seconds stalled() const noexcept { return Seconds(stalled_.load(std::memory_order_relaxed)); }

 private:
  enum class Want : std::uint8_t { kRead, kWrite };
  [[nodiscard]] Result<void> wait(Want want);

  Fd fd_;
  Seconds timeout_;
  Traffic& traffic_;
  std::atomic<bool> aborted_{false};
  std::atomic<std::int64_t> stalled_{0};  // seconds
};

}  // namespace ashlar::replication
