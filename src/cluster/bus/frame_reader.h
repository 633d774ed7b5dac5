/// Cuts the byte stream of one bus link into frames. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ashlar::cluster::bus {

/// Bounds on what a peer may make us keep.
struct FrameLimits {
  /// Longest frame of a type without a fixed shape (publish, module, unknown), in bytes, header included.
  std::size_t open_frame_bytes_max = std::size_t{64} << 20;
  /// Bytes that the extensions of one ping, pong or meet may take.
  std::size_t extension_bytes_max = std::size_t{1} << 20;
};

/// Append what a read returned, then call next() until it has nothing more. The announced length of a frame is checked
/// as soon as its first 16 bytes are there, so that no more than the longest legal frame of its type is ever kept;
/// memory grows with bytes received. Signature or length out of bounds mean that the stream is lost: the link must be
/// closed. Cost: every byte is copied once.
class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits = {}) noexcept : limits_(limits) {}

  /// Takes bytes as received. Invalidates the view that next() returned. Bytes behind an error are dropped.
  void append(std::string_view bytes);

  /// The next whole frame, for decode(); nullopt when more bytes are needed. The view lives until the next call of
  /// append() or next(). Errors: kCorrupt, naming what is wrong and where in the stream; the same error for ever after.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  /// Bytes kept that next() has not returned yet.
  [[nodiscard]] std::size_t buffered() const noexcept { return buffer_.size() - taken_; }
  /// Bytes of memory held, for CLUSTER LINKS and memory accounting.
  [[nodiscard]] std::size_t capacity() const noexcept { return buffer_.capacity(); }

 private:
  /// Length of the frame at taken_; nullopt while too little of it is there to tell.
  [[nodiscard]] Result<std::optional<std::size_t>> frame_length() const;

  FrameLimits limits_;
  std::string buffer_;         // received, not yet dropped
  std::size_t taken_ = 0;      // bytes of buffer_ that next() has returned
  std::uint64_t dropped_ = 0;  // bytes of the stream before buffer_
  std::optional<Error> error_;
};

}  // namespace ashlar::cluster::bus
