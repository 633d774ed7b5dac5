/// Where bytes come from and go to: files, sockets, strings. The codecs of this folder know nothing else.
///
/// Thread: one at a time per object. A source or sink may block, so never use one with a slot locked.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace ashlar::snapshot {

/// A stream that is pulled.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Puts at least one byte into `room` (which is not empty) and returns how many; 0 only at the end of the data.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<char> room) = 0;
};

/// A stream that is pushed to.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// Takes all of `bytes` or fails. After a failure the sink is not used again.
  [[nodiscard]] virtual Result<void> write(std::string_view bytes) = 0;
};

/// Bytes in memory; the view must outlive the source.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] Result<std::size_t> read(std::span<char> room) override;

 private:
  std::string_view rest_;
};

/// Collects bytes in memory.
class StringSink final : public ByteSink {
 public:
  [[nodiscard]] Result<void> write(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  [[nodiscard]] const std::string& content() const noexcept { return content_; }

 private:
  std::string content_;
};

/// A file from `offset` on; the file must outlive the source.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(File& file, std::uint64_t offset = 0) noexcept : file_(file), offset_(offset) {}
  [[nodiscard]] Result<std::size_t> read(std::span<char> room) override;

 private:
  File& file_;
  std::uint64_t offset_;
};

/// Whether a long write is made durable piece by piece (`rdb-save-incremental-fsync`), so that the last sync does not
/// have to move gigabytes at once.
enum class SyncMode : std::uint8_t { kAtEnd, kIncremental };

/// Appends to a file.
class FileSink final : public ByteSink {
 public:
  /// `file` must outlive the sink.
  FileSink(File& file, SyncMode mode) noexcept : file_(file), mode_(mode) {}
  [[nodiscard]] Result<void> write(std::string_view bytes) override;
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

 private:
  static constexpr std::uint64_t kSyncEveryBytes = 4 << 20;  // Redis' REDIS_AUTOSYNC_BYTES: 4 MB
  File& file_;
  SyncMode mode_;
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
};

}  // namespace ashlar::snapshot
