#include "cluster/bus/link_buffer.h"

#include <utility>

#include "base/check.h"

namespace ashlar::cluster::bus {

LinkBuffer::Push LinkBuffer::push(SharedFrame frame) {
  ASH_CHECK(frame != nullptr && !frame->empty());
  const std::size_t cost = frame->size() + kFrameOverhead;
  if (bytes_max_ != 0 && !frames_.empty() && (queued_bytes_ >= bytes_max_ || cost > bytes_max_ - queued_bytes_)) {
    return Push::kOverLimit;
  }
  queued_bytes_ += cost;
  frames_.push_back(std::move(frame));
  return Push::kQueued;
}

std::size_t LinkBuffer::pending(std::span<std::string_view> pieces) const noexcept {
  std::size_t filled = 0;
  std::size_t skip = head_written_;
  for (const SharedFrame& frame : frames_) {
    if (filled == pieces.size()) break;
    pieces[filled++] = std::string_view(*frame).substr(skip);
    skip = 0;
  }
  return filled;
}

void LinkBuffer::written(std::size_t bytes) noexcept {
  ASH_CHECK(bytes <= unsent_bytes());
  while (bytes != 0) {
    const std::size_t left = frames_.front()->size() - head_written_;
    if (bytes < left) {
      head_written_ += bytes;
      return;
    }
    bytes -= left;
    queued_bytes_ -= frames_.front()->size() + kFrameOverhead;
    frames_.pop_front();
    head_written_ = 0;
  }
}

void LinkBuffer::clear() noexcept {
  frames_.clear();
  queued_bytes_ = 0;
  head_written_ = 0;
}

}  // namespace ashlar::cluster::bus
