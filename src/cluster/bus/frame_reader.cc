#include "cluster/bus/frame_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {

namespace {

/// Bytes of a frame that say how long it may be: up to and with `count`.
constexpr std::size_t kPrefixBytes = offsetof(WireHeader, current_epoch);
/// A buffer that grew beyond this for one big frame is given back when it runs empty.
constexpr std::size_t kKeptBytesMax = std::size_t{256} << 10;

/// Longest legal frame of `type`.
std::size_t longest(std::uint16_t type, std::uint16_t count, const FrameLimits& limits) {
  constexpr std::size_t kHeader = sizeof(WireHeader);
  switch (static_cast<FrameType>(type)) {
    case FrameType::kPing:
    case FrameType::kPong:
    case FrameType::kMeet: return kHeader + count * sizeof(WireGossip) + limits.extension_bytes_max;
    case FrameType::kFail: return kHeader + sizeof(WireName);
    case FrameType::kAuthRequest:
    case FrameType::kAuthAck:
    case FrameType::kManualFailoverStart: return kHeader;
    case FrameType::kUpdate: return kHeader + sizeof(WireUpdate);
    case FrameType::kPublish:
    case FrameType::kPublishShard:
    case FrameType::kModule: break;
  }
  return limits.open_frame_bytes_max;
}

}  // namespace

void FrameReader::append(std::string_view bytes) {
  if (error_) return;
  if (taken_ == buffer_.size()) {
    dropped_ += taken_;
    taken_ = 0;
    buffer_.clear();
    if (buffer_.capacity() > kKeptBytesMax) buffer_.shrink_to_fit();
  } else if (taken_ != 0) {
    dropped_ += taken_;
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<std::size_t>> FrameReader::frame_length() const {
  const std::string_view rest = std::string_view(buffer_).substr(taken_);
  const std::uint64_t start = dropped_ + taken_;
  const std::size_t compared = std::min(rest.size(), kSignature.size());
  if (rest.substr(0, compared) != kSignature.substr(0, compared)) {
    return fail(ErrorCode::kCorrupt, fmt::format("cluster bus stream: no RCmb signature at offset {}", start));
  }
  if (rest.size() < kPrefixBytes) return std::nullopt;
  const std::size_t length = load_be<std::uint32_t>(rest.data() + offsetof(WireHeader, total_length));
  const auto type = load_be<std::uint16_t>(rest.data() + offsetof(WireHeader, type));
  const auto count = load_be<std::uint16_t>(rest.data() + offsetof(WireHeader, count));
  const std::size_t max = longest(type, count, limits_);
  if (length < sizeof(WireHeader) || length > max) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("cluster bus stream: length {} of a {} frame is outside {}..{} at offset {}", length,
                            frame_type_name(static_cast<FrameType>(type)), sizeof(WireHeader), max,
                            start + offsetof(WireHeader, total_length)));
  }
  return length;
}

Result<std::optional<std::string_view>> FrameReader::next() {
  if (error_) return std::unexpected(*error_);
  auto length = frame_length();
  if (!length) {
    error_ = length.error();
    buffer_ = std::string();
    taken_ = 0;
    return std::unexpected(*error_);
  }
  if (!*length || buffered() < **length) return std::nullopt;
  const std::string_view frame = std::string_view(buffer_).substr(taken_, **length);
  taken_ += **length;
  return frame;
}

}  // namespace ashlar::cluster::bus
