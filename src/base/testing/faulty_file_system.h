/// A disk in memory that fails as real disks do: for the tests of everything that must be durable.
///
/// Model. A write is visible at once but survives a crash only after sync() of its file. A new name, a rename or a
/// removal survives only after sync_directory() of the directory. A crash keeps, for each file, what was synced and a
/// random part of what was written behind it (perhaps with a tail of zeros), and, for each directory, a random number
/// of its oldest unsynced changes. After a failed sync the unsynced bytes of that file are gone for good, although they
/// can still be read: later syncs succeed and do not bring them back.
///
/// Thread: any. All randomness comes from the seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/rng.h"
#include "base/sync.h"

namespace ashlar::testing {

class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(std::uint64_t seed) : rng_(seed) {}

  // -- faults

  /// The power fails during the n-th changing operation from now (1 is the next one): it is done in part or not at all,
  /// and everything after it fails.
  void lose_power_after(std::uint64_t operations);
  [[nodiscard]] bool powered() const;
  /// Takes the power away if it is still there, drops what was not durable and starts again. Old File objects stay
  /// dead.
  void crash();
  /// The next `count` appends fail with `error` (an errno) after a random part of their bytes.
  void fail_appends(std::uint64_t count, int error);
  /// The next `count` truncations fail.
  void fail_truncates(std::uint64_t count);
  /// The next `count` syncs of files fail with EIO.
  void fail_syncs(std::uint64_t count);
  /// Room for this many bytes in all files together; nullopt for plenty.
  void set_capacity(std::optional<std::uint64_t> bytes);
  /// Changing operations so far.
  [[nodiscard]] std::uint64_t operations() const;

  // -- FileSystem

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override;

 private:
  struct Inode {
    std::string content;                 // what a reader sees
    std::string durable;                 // what a crash leaves at least
    std::optional<std::size_t> lost_to;  // bytes from durable.size() to here will never be durable
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;  // shared by names, durable names and open files
  struct NameChange {
    enum class Kind : std::uint8_t { kCreate, kRename, kRemove, kMakeDirectory } kind;
    std::string directory;  // whose sync makes it durable
    std::string path;
    std::string target;  // of a rename
    std::shared_ptr<Inode> inode;
  };
  class Handle;

  enum class Power : std::uint8_t { kOn, kFailsNow, kOff };
  /// Counts an operation.
  [[nodiscard]] Power spend() ASH_REQUIRES(mutex_);
  [[nodiscard]] bool half() ASH_REQUIRES(mutex_) { return rng_.chance(0.5); }
  [[nodiscard]] Result<void> append(Inode& inode, const std::string& path, std::string_view bytes) ASH_REQUIRES(mutex_);
  [[nodiscard]] Result<void> sync(Inode& inode, const std::string& path) ASH_REQUIRES(mutex_);
  [[nodiscard]] Result<void> truncate(Inode& inode, const std::string& path, std::uint64_t size) ASH_REQUIRES(mutex_);
  void cut(Inode& inode, std::uint64_t size) ASH_REQUIRES(mutex_);
  void make_durable(Inode& inode) ASH_REQUIRES(mutex_);
  void settle(Inode& inode) ASH_REQUIRES(mutex_);
  void change(NameChange change) ASH_REQUIRES(mutex_);
  void apply_durably(const NameChange& change) ASH_REQUIRES(mutex_);
  [[nodiscard]] bool directory_exists(const std::string& path) ASH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Rng rng_ ASH_GUARDED_BY(mutex_);
  Names names_ ASH_GUARDED_BY(mutex_);
  Names durable_names_ ASH_GUARDED_BY(mutex_);
  std::set<std::string> directories_ ASH_GUARDED_BY(mutex_);
  std::set<std::string> durable_directories_ ASH_GUARDED_BY(mutex_);
  std::vector<NameChange> unsynced_ ASH_GUARDED_BY(mutex_);  // oldest first
  std::uint64_t operations_ ASH_GUARDED_BY(mutex_) = 0;
  std::optional<std::uint64_t> power_fails_at_ ASH_GUARDED_BY(mutex_);
  bool powered_ ASH_GUARDED_BY(mutex_) = true;
  std::uint64_t life_ ASH_GUARDED_BY(mutex_) = 0;  // counts crashes; a File of an earlier life is dead
  std::uint64_t appends_to_fail_ ASH_GUARDED_BY(mutex_) = 0;
  int append_error_ ASH_GUARDED_BY(mutex_) = 0;
  std::uint64_t truncates_to_fail_ ASH_GUARDED_BY(mutex_) = 0;
  std::uint64_t syncs_to_fail_ ASH_GUARDED_BY(mutex_) = 0;
  std::optional<std::uint64_t> capacity_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::testing
