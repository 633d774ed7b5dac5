#include "snapshot/byte_stream.h"

#include <algorithm>
#include <cstring>

namespace ashlar::snapshot {

Result<std::size_t> StringSource::read(std::span<char> room) {
  const std::size_t n = std::min(room.size(), rest_.size());
  std::memcpy(room.data(), rest_.data(), n);
  rest_.remove_prefix(n);
  return n;
}

Result<std::size_t> FileSource::read(std::span<char> room) {
  ASH_TRY(const std::string bytes, file_.read_at(offset_, room.size()));
  std::memcpy(room.data(), bytes.data(), bytes.size());
  offset_ += bytes.size();
  return bytes.size();
}

Result<void> FileSink::write(std::string_view bytes) {
  ASH_TRY_VOID(file_.append(bytes));
  written_ += bytes.size();
  if (mode_ == SyncMode::kIncremental && written_ - synced_ >= kSyncEveryBytes) {
    ASH_TRY_VOID(file_.sync());
    synced_ = written_;
  }
  return {};
}

}  // namespace ashlar::snapshot
