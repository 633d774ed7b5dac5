/// Frames that wait to be written to one bus link. Thread: the owner of the link.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::cluster::bus {

/// An encoded frame. Shared because a broadcast puts the same bytes on many links and the last one to write them frees
/// them.
using SharedFrame = std::shared_ptr<const std::string>;

/// A queue with a bound. Whole frames go in; bytes come out in the same order, however the socket cuts them.
/// Invariants: (1) no frame in the queue is empty; (2) less than the first frame is written of it; (3) queued_bytes()
/// is the sum of the sizes of the frames in the queue and of kFrameOverhead for each.
class LinkBuffer {
 public:
  /// What a waiting frame costs beside its bytes.
  static constexpr std::size_t kFrameOverhead = sizeof(SharedFrame);

  /// What push() did.
  enum class Push : unsigned char { kQueued, kOverLimit };

  /// `bytes_max`: cluster-link-sendbuf-limit; 0 means no limit.
  explicit LinkBuffer(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// Puts `frame` (not null, not empty) behind the others. kOverLimit: it would have made a queue that is not empty
  /// exceed the limit and was not taken; the peer does not read fast enough and the link is to be closed, since peers
  /// rely on every frame of a link arriving. A frame alone in the queue is always taken, whatever its size.
  [[nodiscard]] Push push(SharedFrame frame);

  /// Fills `pieces` with the next bytes to write, in order (for one writev), and returns how many it filled; 0 when
  /// there is nothing to write. The views live until written() or clear().
  [[nodiscard]] std::size_t pending(std::span<std::string_view> pieces) const noexcept;
  /// The first `bytes` of what waits have been written; at most unsent_bytes().
  void written(std::size_t bytes) noexcept;

  [[nodiscard]] bool empty() const noexcept { return frames_.empty(); }
  /// Bytes still to be written.
  [[nodiscard]] std::size_t unsent_bytes() const noexcept {
    return queued_bytes_ - frames_.size() * kFrameOverhead - head_written_;
  }
  /// Memory that the queue keeps alive, which the limit is about: a frame counts in full until its last byte is
  /// written, and on every link that it waits on.
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  /// A change of the directive; takes effect with the next push().
  void set_limit(std::size_t bytes_max) noexcept { bytes_max_ = bytes_max; }
  /// Drops everything, for a link that was closed.
  void clear() noexcept;

 private:
  std::deque<SharedFrame> frames_;
  std::size_t bytes_max_;
  std::size_t queued_bytes_ = 0;
  std::size_t head_written_ = 0;  // bytes of frames_.front() already written
};

/// `bytes` (what encode() returned) as a frame to push.
[[nodiscard]] inline SharedFrame share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace ashlar::cluster::bus
