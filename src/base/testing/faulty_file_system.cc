#include "base/testing/faulty_file_system.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace ashlar::testing {

class FaultyFileSystem::Handle final : public File {
 public:
  Handle(FaultyFileSystem& fs, std::shared_ptr<Inode> inode, std::string path, std::uint64_t life)
      : fs_(fs), inode_(std::move(inode)), path_(std::move(path)), life_(life) {}

  Result<void> append(std::string_view bytes) override {
    MutexLock lock(fs_.mutex_);
    if (dead()) return fail_errno("write", path_, EIO);
    return fs_.append(*inode_, path_, bytes);
  }
  Result<std::string> read_at(std::uint64_t offset, std::size_t length) override {
    MutexLock lock(fs_.mutex_);
    if (dead()) return fail_errno("read", path_, EIO);
    if (offset >= inode_->content.size()) return std::string();
    return inode_->content.substr(offset, length);
  }
  Result<void> sync() override {
    MutexLock lock(fs_.mutex_);
    if (dead()) return fail_errno("fdatasync", path_, EIO);
    return fs_.sync(*inode_, path_);
  }
  Result<std::uint64_t> size() override {
    MutexLock lock(fs_.mutex_);
    if (dead()) return fail_errno("stat", path_, EIO);
    return inode_->content.size();
  }
  Result<void> truncate(std::uint64_t size) override {
    MutexLock lock(fs_.mutex_);
    if (dead()) return fail_errno("truncate", path_, EIO);
    return fs_.truncate(*inode_, path_, size);
  }

 private:
  [[nodiscard]] bool dead() const { return life_ != fs_.life_ || !fs_.powered_; }
  FaultyFileSystem& fs_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  std::uint64_t life_;
};

void FaultyFileSystem::lose_power_after(std::uint64_t operations) {
  MutexLock lock(mutex_);
  power_fails_at_ = operations_ + operations;
}
bool FaultyFileSystem::powered() const {
  MutexLock lock(mutex_);
  return powered_;
}
void FaultyFileSystem::fail_appends(std::uint64_t count, int error) {
  MutexLock lock(mutex_);
  appends_to_fail_ = count;
  append_error_ = error;
}
void FaultyFileSystem::fail_truncates(std::uint64_t count) {
  MutexLock lock(mutex_);
  truncates_to_fail_ = count;
}
void FaultyFileSystem::fail_syncs(std::uint64_t count) {
  MutexLock lock(mutex_);
  syncs_to_fail_ = count;
}
void FaultyFileSystem::set_capacity(std::optional<std::uint64_t> bytes) {
  MutexLock lock(mutex_);
  capacity_ = bytes;
}
std::uint64_t FaultyFileSystem::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

FaultyFileSystem::Power FaultyFileSystem::spend() {
  if (!powered_) return Power::kOff;
  ++operations_;
  if (!power_fails_at_ || operations_ < *power_fails_at_) return Power::kOn;
  powered_ = false;
  return Power::kFailsNow;
}

Result<void> FaultyFileSystem::append(Inode& inode, const std::string& path, std::string_view bytes) {
  const Power power = spend();
  if (power != Power::kOn) {
    if (power == Power::kFailsNow) inode.content += bytes.substr(0, rng_.below(bytes.size() + 1));
    return fail_errno("write", path, EIO);
  }
  if (appends_to_fail_ > 0) {
    --appends_to_fail_;
    if (!bytes.empty()) inode.content += bytes.substr(0, rng_.below(bytes.size()));
    return fail_errno("write", path, append_error_);
  }
  if (capacity_) {
    std::uint64_t used = 0;
    for (const auto& [name, other] : names_) used += other->content.size();
    const std::uint64_t room = *capacity_ > used ? *capacity_ - used : 0;
    if (bytes.size() > room) {
      inode.content += bytes.substr(0, room);
      return fail_errno("write", path, ENOSPC);
    }
  }
  inode.content += bytes;
  return {};
}

void FaultyFileSystem::make_durable(Inode& inode) {
  std::string durable = inode.content;
  if (inode.lost_to) {
    const std::size_t from = std::min(inode.durable.size(), durable.size());
    const std::size_t to = std::min(*inode.lost_to, durable.size());
    std::fill(durable.begin() + static_cast<std::ptrdiff_t>(from), durable.begin() + static_cast<std::ptrdiff_t>(to),
              '\0');
    inode.lost_to.reset();
    inode.content = durable;  // the page cache is dropped sooner or later: now
  }
  inode.durable = std::move(durable);
}

Result<void> FaultyFileSystem::sync(Inode& inode, const std::string& path) {
  const Power power = spend();
  if (power == Power::kOn && syncs_to_fail_ == 0) {
    make_durable(inode);
    return {};
  }
  if (power == Power::kOn) {
    --syncs_to_fail_;
    inode.lost_to = inode.content.size();
  }
  if (power == Power::kFailsNow && half()) make_durable(inode);
  return fail_errno("fdatasync", path, EIO);
}

void FaultyFileSystem::cut(Inode& inode, std::uint64_t size) {
  inode.content.resize(size);
  // What is written from here on is new, and the next sync does reach it.
  if (inode.lost_to) inode.lost_to = std::min<std::size_t>(*inode.lost_to, size);
}

Result<void> FaultyFileSystem::truncate(Inode& inode, const std::string& path, std::uint64_t size) {
  const Power power = spend();
  if (power == Power::kOn && truncates_to_fail_ > 0) {
    --truncates_to_fail_;
    return fail_errno("truncate", path, EIO);
  }
  if (power == Power::kOn || (power == Power::kFailsNow && half())) cut(inode, size);
  return power == Power::kOn ? Result<void>{} : fail_errno("truncate", path, EIO);
}

void FaultyFileSystem::settle(Inode& inode) {
  // Either nothing or some of what was not synced has reached the disk.
  std::string kept = inode.durable;
  if (inode.content.starts_with(inode.durable)) {
    const std::string_view rest = std::string_view(inode.content).substr(inode.durable.size());
    const std::size_t sized = rng_.below(rest.size() + 1);
    const std::size_t filled = rng_.chance(0.25) ? rng_.below(sized + 1) : sized;  // the size came before the data
    kept += rest.substr(0, filled);
    kept.append(sized - filled, '\0');
  } else if (half()) {
    kept = inode.content;  // it was truncated below what was durable
  }
  inode.content = inode.durable = std::move(kept);
  inode.lost_to.reset();
}

void FaultyFileSystem::crash() {
  MutexLock lock(mutex_);
  std::map<std::string, std::uint64_t> kept;  // how many of its changes each directory keeps
  std::map<std::string, std::uint64_t> total;
  for (const NameChange& c : unsynced_) ++total[c.directory];
  for (const auto& [directory, count] : total) kept[directory] = rng_.below(count + 1);
  for (const NameChange& c : unsynced_) {
    if (kept[c.directory] == 0) continue;
    --kept[c.directory];
    apply_durably(c);
  }
  unsynced_.clear();
  directories_ = durable_directories_;
  std::erase_if(durable_names_, [&](const auto& entry) { return !directory_exists(directory_of(entry.first)); });
  names_ = durable_names_;
  std::set<Inode*> inodes;
  for (const auto& [name, inode] : names_) {
    if (inodes.insert(inode.get()).second) settle(*inode);
  }
  powered_ = true;
  power_fails_at_.reset();
  appends_to_fail_ = truncates_to_fail_ = syncs_to_fail_ = 0;
  ++life_;
}

bool FaultyFileSystem::directory_exists(const std::string& path) {
  // What has no slash is where the process stands; that and the root are always there.
  return path == "." || path == "/" || directories_.contains(path);
}

void FaultyFileSystem::change(NameChange change) {
  switch (change.kind) {
    case NameChange::Kind::kCreate: names_[change.path] = change.inode; break;
    case NameChange::Kind::kRename:
      names_.erase(change.path);
      names_[change.target] = change.inode;
      break;
    case NameChange::Kind::kRemove: names_.erase(change.path); break;
    case NameChange::Kind::kMakeDirectory: directories_.insert(change.path); break;
  }
  unsynced_.push_back(std::move(change));
}

void FaultyFileSystem::apply_durably(const NameChange& change) {
  const auto holds = [&](const std::string& path) {
    const auto found = durable_names_.find(path);
    return found != durable_names_.end() && found->second == change.inode;
  };
  switch (change.kind) {
    case NameChange::Kind::kCreate: durable_names_[change.path] = change.inode; break;
    case NameChange::Kind::kRename:
      if (holds(change.path)) durable_names_.erase(change.path);
      durable_names_[change.target] = change.inode;
      break;
    case NameChange::Kind::kRemove:
      if (holds(change.path)) durable_names_.erase(change.path);
      break;
    case NameChange::Kind::kMakeDirectory: durable_directories_.insert(change.path); break;
  }
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, OpenMode mode) {
  MutexLock lock(mutex_);
  if (!powered_) return fail_errno("open", path, EIO);
  const auto found = names_.find(path);
  std::shared_ptr<Inode> inode = found == names_.end() ? nullptr : found->second;
  if (inode == nullptr && (mode == OpenMode::kRead || !directory_exists(directory_of(path)))) {
    return fail_errno("open", path, ENOENT);
  }
  if (inode == nullptr || (mode == OpenMode::kTruncate && !inode->content.empty())) {
    const Power power = spend();
    if (power == Power::kOff || (power == Power::kFailsNow && half())) return fail_errno("open", path, EIO);
    if (inode == nullptr) {
      inode = std::make_shared<Inode>();
      change({NameChange::Kind::kCreate, directory_of(path), path, {}, inode});
    } else {
      cut(*inode, 0);
    }
    if (power != Power::kOn) return fail_errno("open", path, EIO);
  }
  return std::make_unique<Handle>(*this, std::move(inode), path, life_);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  MutexLock lock(mutex_);
  const auto found = names_.find(from);
  if (found == names_.end()) return fail_errno("rename", from, ENOENT);
  const Power power = spend();
  if (power == Power::kOn || (power == Power::kFailsNow && half())) {
    change({NameChange::Kind::kRename, directory_of(to), from, to, found->second});
  }
  return power == Power::kOn ? Result<void>{} : fail_errno("rename", from + " to " + to, EIO);
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  MutexLock lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end()) return {};
  const Power power = spend();
  if (power == Power::kOn || (power == Power::kFailsNow && half())) {
    change({NameChange::Kind::kRemove, directory_of(path), path, {}, found->second});
  }
  return power == Power::kOn ? Result<void>{} : fail_errno("unlink", path, EIO);
}

Result<void> FaultyFileSystem::make_directory(const std::string& path) {
  MutexLock lock(mutex_);
  if (directory_exists(path)) return {};
  const Power power = spend();
  if (power == Power::kOn || (power == Power::kFailsNow && half())) {
    change({NameChange::Kind::kMakeDirectory, directory_of(path), path, {}, nullptr});
  }
  return power == Power::kOn ? Result<void>{} : fail_errno("mkdir", path, EIO);
}

Result<void> FaultyFileSystem::sync_directory(const std::string& path) {
  MutexLock lock(mutex_);
  const Power power = spend();
  if (power == Power::kOn || (power == Power::kFailsNow && half())) {
    std::erase_if(unsynced_, [&](const NameChange& c) {
      if (c.directory != path) return false;
      apply_durably(c);
      return true;
    });
  }
  return power == Power::kOn ? Result<void>{} : fail_errno("fsync", path, EIO);
}

bool FaultyFileSystem::exists(const std::string& path) {
  MutexLock lock(mutex_);
  return names_.contains(path) || directory_exists(path);
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  MutexLock lock(mutex_);
  if (!directory_exists(path)) return fail_errno("opendir", path, ENOENT);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) {
    if (directory_of(name) == path) names.push_back(name.substr(name.rfind('/') + 1));
  }
  for (const std::string& name : directories_) {
    if (directory_of(name) == path) names.push_back(name.substr(name.rfind('/') + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ashlar::testing
