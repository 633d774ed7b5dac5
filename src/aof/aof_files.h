/// The files of an append-only log on disk: finding them, making new ones, switching the manifest.
///
/// Every change is durable before it is believed: a file exists (directory synced) before a manifest names it, and a
/// file is removed only after a manifest without it is durable. Numbers are never used twice in one run, so that a
/// manifest whose fate is unknown (its write failed half way) never comes to mean other content.
///
/// Thread: one at a time; the owner locks. Errors: kIo, kCorrupt for the manifest (with its path). Source:
/// docs/formats/aof.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aof/manifest.h"
#include "base/file.h"

namespace ashlar::aof {

struct AofPaths {
  std::string dir = ".";                    // `dir`
  std::string folder = "appendonlydir";     // `appenddirname`
  std::string filename = "appendonly.aof";  // `appendfilename`
  bool operator==(const AofPaths&) const = default;
};

class AofFiles {
 public:
  /// Reads the manifest, making the folder when missing. A log in one file, as Redis up to 6 writes it
  /// (`dir`/`filename`), is moved into the folder and becomes the base. `fs` must outlive the object.
  [[nodiscard]] static Result<AofFiles> open(FileSystem& fs, AofPaths paths);

  [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }
  [[nodiscard]] const AofPaths& paths() const noexcept { return paths_; }
  [[nodiscard]] FileSystem& fs() const noexcept { return *fs_; }
  /// Full path of a file of the set.
  [[nodiscard]] std::string path_of(const std::string& name) const;
  /// Bytes of a file of the set.
  [[nodiscard]] Result<std::uint64_t> size_of(const std::string& name) const;

  struct NewFile {
    ManifestFile entry;
    std::unique_ptr<File> file;
  };
  /// An empty increment behind the last, durable as a name. No manifest names it yet.
  [[nodiscard]] Result<NewFile> create_increment();
  /// Removes a file if it is there and the manifest does not name it.
  [[nodiscard]] Result<void> remove_unnamed(const ManifestFile& file);
  /// The increment that is written to, for appending.
  [[nodiscard]] Result<std::unique_ptr<File>> open_last_increment() const;
  /// Name and number of the next base; nothing is made.
  [[nodiscard]] ManifestFile next_base(BaseForm form);
  /// Where a base is written before it is complete.
  [[nodiscard]] std::string temporary_base_path() const;

  /// Writes `next` durably and believes it. After an error the former manifest is believed; either may be on the disk.
  [[nodiscard]] Result<void> replace(Manifest next);
  /// Whether history is deleted: `aof-disable-auto-gc`.
  enum class History : std::uint8_t { kDelete, kKeep };
  /// Removes the files that the manifest calls history, and then their lines.
  [[nodiscard]] Result<void> delete_history();

 private:
  AofFiles(FileSystem& fs, AofPaths paths) : fs_(&fs), paths_(std::move(paths)) {}
  [[nodiscard]] std::string folder_path() const;
  [[nodiscard]] std::string manifest_path() const;
  [[nodiscard]] Result<void> read_manifest();
  [[nodiscard]] bool single_file_waits() const;
  [[nodiscard]] Result<void> adopt_single_file();
  [[nodiscard]] Result<void> remove_temporaries();

  FileSystem* fs_;
  AofPaths paths_;
  Manifest manifest_;
  std::uint64_t last_base_seq_ = 0;  // handed out so far
  std::uint64_t last_increment_seq_ = 0;
};

}  // namespace ashlar::aof
