/// Files behind an interface, so that every durable format (AOF, RDB, nodes.conf, configuration) is tested on a disk
/// that fails on purpose. Errors: kIo with the call, the path and the system's text. Thread: a File by one at a time; a
/// FileSystem by any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar {

class File {
 public:
  virtual ~File() = default;
  /// Writes all of `bytes` at the end, or fails; after a failure size() tells how much arrived.
  [[nodiscard]] virtual Result<void> append(std::string_view bytes) = 0;
  /// Reads up to `length` bytes from `offset`; fewer only at the end of the file.
  [[nodiscard]] virtual Result<std::string> read_at(std::uint64_t offset, std::size_t length) = 0;
  /// Makes everything written so far durable. A failure is final for this file: what was not durable may be lost.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
};

enum class OpenMode : std::uint8_t {
  kRead,      // must exist
  kAppend,    // made when missing
  kTruncate,  // made or emptied
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// An empty file at `temporary` that is to be renamed to `path`: where there is such a file, with its owner and mode,
  /// so that what only some may read stays so.
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open_successor(const std::string& temporary,
                                                                     const std::string& path);
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Removing what is not there is no error.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Makes a directory when missing.
  [[nodiscard]] virtual Result<void> make_directory(const std::string& path) = 0;
  /// Makes renames and removals in `path` durable.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  /// Names (no paths) in a directory, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
};

/// The real disk.
[[nodiscard]] std::unique_ptr<FileSystem> make_posix_file_system();

/// Whole content of a file. Errors: kIo.
[[nodiscard]] Result<std::string> read_file(FileSystem& fs, const std::string& path);
/// Replaces `path` so that after a crash either the old or the new content is there: temporary file beside it, sync,
/// rename, sync of the directory. Owner and mode stay. Of a failure before the rename nothing is left.
[[nodiscard]] Result<void> write_file_durably(FileSystem& fs, const std::string& path, std::string_view content);
/// Folder part of a path, "." when there is none.
[[nodiscard]] std::string directory_of(const std::string& path);

}  // namespace ashlar
