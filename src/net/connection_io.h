/// Bytes between buffers and non-blocking sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"

namespace ashlar::net {

enum class IoStatus : std::uint8_t {
  kOk,          // `bytes` were moved, perhaps fewer than asked
  kWouldBlock,  // nothing now; wait for readiness
  kClosed,      // the peer has ended its side (reading only)
  kFailed,      // the connection is dead; `error` is the errno
};

struct IoOutcome {
  IoStatus status;
  std::size_t bytes = 0;
  int error = 0;  // errno, only with kFailed
};

/// Pieces that one gathering write takes at most.
inline constexpr std::size_t kMaxPieces = 64;

/// One read of up to `max` bytes (> 0), added to `into`. Reserves `max` bytes there. Fewer than `max` means that the
/// socket is empty for now, so no second read is needed to find out.
[[nodiscard]] IoOutcome read_some(int fd, ByteBuffer& into, std::size_t max);
/// One write of as much of `bytes` as the socket takes. A peer that is gone is kFailed, never a signal.
[[nodiscard]] IoOutcome write_some(int fd, std::string_view bytes);
/// The same for several pieces in a row; those behind the first kMaxPieces are not looked at.
[[nodiscard]] IoOutcome write_some(int fd, std::span<const std::string_view> pieces);

}  // namespace ashlar::net
