/// Where a snapshot goes: a file or a socket. Called by the snapshot's thread alone, never with a slot locked, so it
/// may block. Destroyed by the same thread when the snapshot ends, whether it succeeded or not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "snapshot/byte_stream.h"
#include "snapshot/rdb_writer.h"

namespace ashlar::snapshot {

class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  /// First call. `sizes` are hints, measured after the cut.
  [[nodiscard]] virtual Result<void> begin(const std::vector<DbSizeHint>& sizes) = 0;
  /// Encoded entries, whole ones.
  [[nodiscard]] virtual Result<void> write(std::string_view bytes) = 0;
  /// Last call, when every slot has been written. Success means that the snapshot is where it belongs.
  [[nodiscard]] virtual Result<void> finish() = 0;
};

/// A file that appears under its name only when it is complete and durable; until then it has a temporary name, and
/// goes away if it is never completed. Thread: one at a time.
class PendingFile {
 public:
  /// Both paths in the same directory. Errors: kIo. `fs` must outlive the object.
  [[nodiscard]] static Result<std::unique_ptr<PendingFile>> create(FileSystem& fs, std::string temporary,
                                                                   std::string path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  [[nodiscard]] File& file() noexcept { return *file_; }
  /// Sync, rename, sync of the directory. After an error the path holds what it held before, or the new content.
  [[nodiscard]] Result<void> commit();

 private:
  PendingFile(FileSystem& fs, std::string temporary, std::string path, std::unique_ptr<File> file);
  FileSystem& fs_;
  std::string temporary_;
  std::string path_;
  std::unique_ptr<File> file_;
  bool committed_ = false;
};

/// An RDB stream into any byte sink. finish() writes the end mark.
class RdbSink final : public SnapshotSink {
 public:
  /// `aux` is asked once, in begin(), which is after the cut.
  RdbSink(std::unique_ptr<ByteSink> out, Checksum checksum, std::function<std::vector<AuxField>()> aux)
      : out_(std::move(out)), writer_(*out_, checksum), aux_(std::move(aux)) {}
  [[nodiscard]] Result<void> begin(const std::vector<DbSizeHint>& sizes) override {
    return writer_.begin(aux_ ? aux_() : std::vector<AuxField>{}, sizes);
  }
  [[nodiscard]] Result<void> write(std::string_view bytes) override { return writer_.write(bytes); }
  [[nodiscard]] Result<void> finish() override { return writer_.end(); }

 private:
  std::unique_ptr<ByteSink> out_;
  RdbWriter writer_;
  std::function<std::vector<AuxField>()> aux_;
};

/// An RDB file that is put in its place by finish().
class RdbFileSink final : public SnapshotSink {
 public:
  RdbFileSink(std::unique_ptr<PendingFile> target, SyncMode mode, Checksum checksum,
              std::function<std::vector<AuxField>()> aux)
      : target_(std::move(target)),
        stream_(std::make_unique<FileSink>(target_->file(), mode), checksum, std::move(aux)) {}
  [[nodiscard]] Result<void> begin(const std::vector<DbSizeHint>& sizes) override { return stream_.begin(sizes); }
  [[nodiscard]] Result<void> write(std::string_view bytes) override { return stream_.write(bytes); }
  [[nodiscard]] Result<void> finish() override;

 private:
  std::unique_ptr<PendingFile> target_;
  RdbSink stream_;
};

}  // namespace ashlar::snapshot
