/// Replies to writes that stay back until enough replicas have the writes (`min-replicas-ack`). Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string_view>

#include "base/buffer.h"
#include "base/time.h"

namespace ashlar::server {

/// Those of one connection, in the order in which they were written. Places are counted in bytes over all that the
/// connection sends in its life, so that sending moves none of them.
///
/// Invariants: places and stream offsets ascend; replies do not overlap.
/// Cost: O(1) for each reply; refuse() copies what waits to be sent.
class UnacknowledgedReplies {
 public:
  struct Reply {
    std::int64_t offset;  // of the replication stream, behind the write
    std::uint64_t begin;  // first byte of the reply
    std::uint64_t end;    // behind its last byte
    MonoTime deadline;
  };

  [[nodiscard]] bool empty() const noexcept { return replies_.empty(); }
  /// When the first of them is to be refused. Not empty.
  [[nodiscard]] MonoTime deadline() const { return replies_.front().deadline; }
  /// Bytes before this place may leave.
  [[nodiscard]] std::uint64_t free_until() const noexcept {
    return replies_.empty() ? std::numeric_limits<std::uint64_t>::max() : replies_.front().begin;
  }

  void add(const Reply& reply) { replies_.push_back(reply); }
  /// Enough replicas have the stream up to `offset`.
  void acknowledge(std::int64_t offset);
  /// Puts `error` in the place of replies whose time is over; `out` holds the connection's bytes from `sent` on.
  /// Returns how many.
  std::size_t refuse(MonoTime now, std::string_view error, ByteBuffer& out, std::uint64_t sent);
  /// What stood at `place` and behind it now stands `by` bytes further on (or back).
  void shift(std::uint64_t place, std::int64_t by);

 private:
  std::deque<Reply> replies_;
};

}  // namespace ashlar::server
