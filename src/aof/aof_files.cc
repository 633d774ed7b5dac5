#include "aof/aof_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace ashlar::aof {
namespace {
constexpr std::string_view kTemporaryPrefix = "temp-rewriteaof-";
}  // namespace

std::string AofFiles::folder_path() const { return paths_.dir + "/" + paths_.folder; }
std::string AofFiles::manifest_path() const { return folder_path() + "/" + paths_.filename + ".manifest"; }
std::string AofFiles::path_of(const std::string& name) const { return folder_path() + "/" + name; }
std::string AofFiles::temporary_base_path() const {
  return path_of(fmt::format("{}bg-{}.aof", kTemporaryPrefix, ::getpid()));
}

Result<AofFiles> AofFiles::open(FileSystem& fs, AofPaths paths) {
  AofFiles files(fs, std::move(paths));
  ASH_TRY_VOID(fs.make_directory(files.folder_path()));
  ASH_TRY_VOID(fs.sync_directory(files.paths_.dir));
  ASH_TRY_VOID(files.read_manifest());
  if (files.single_file_waits()) ASH_TRY_VOID(files.adopt_single_file());
  ASH_TRY_VOID(files.remove_temporaries());
  // What is visible now may still be on its way to the disk, if the last run died; from here on it is relied upon.
  ASH_TRY_VOID(fs.sync_directory(files.folder_path()));
  files.last_base_seq_ = files.manifest_.base_seq();
  files.last_increment_seq_ = files.manifest_.increment_seq();
  for (const ManifestFile& file : files.manifest_.history) {  // whose names must not be given again while they wait
    std::uint64_t& last = file.name.ends_with(".incr.aof") ? files.last_increment_seq_ : files.last_base_seq_;
    last = std::max(last, file.seq);
  }
  return files;
}

Result<void> AofFiles::read_manifest() {
  if (!fs_->exists(manifest_path())) return {};
  ASH_TRY(const std::string text, read_file(*fs_, manifest_path()));
  auto manifest = parse_manifest(text);
  if (!manifest) return fail(manifest.error().code, manifest_path() + ": " + manifest.error().detail);
  manifest_ = std::move(*manifest);
  return {};
}

bool AofFiles::single_file_waits() const {
  if (!fs_->exists(paths_.dir + "/" + paths_.filename)) return false;
  if (manifest_.empty() && manifest_.history.empty()) return true;
  // The manifest was written, but the move did not happen.
  return manifest_.base && manifest_.base->name == paths_.filename && manifest_.increments.empty() &&
         manifest_.history.empty() && !fs_->exists(path_of(paths_.filename));
}

Result<void> AofFiles::adopt_single_file() {
  const std::string from = paths_.dir + "/" + paths_.filename;
  log::notice("Moving the append only file {} into {} as its base", from, folder_path());
  Manifest next;
  next.base = ManifestFile{paths_.filename, 1};
  ASH_TRY_VOID(replace(std::move(next)));
  ASH_TRY_VOID(fs_->rename(from, path_of(paths_.filename)));
  ASH_TRY_VOID(fs_->sync_directory(folder_path()));
  return fs_->sync_directory(paths_.dir);
}

Result<void> AofFiles::remove_temporaries() {
  ASH_TRY(const std::vector<std::string> names, fs_->list(folder_path()));
  for (const std::string& name : names) {
    if (name.starts_with(kTemporaryPrefix)) ASH_TRY_VOID(fs_->remove(path_of(name)));
  }
  return {};
}

Result<std::uint64_t> AofFiles::size_of(const std::string& name) const {
  ASH_TRY(const auto file, fs_->open(path_of(name), OpenMode::kRead));
  return file->size();
}

Result<AofFiles::NewFile> AofFiles::create_increment() {
  const std::uint64_t seq = ++last_increment_seq_;
  NewFile made{.entry = {increment_name(paths_.filename, seq), seq}};
  ASH_TRY(made.file, fs_->open(path_of(made.entry.name), OpenMode::kTruncate));
  ASH_TRY_VOID(fs_->sync_directory(folder_path()));
  return made;
}

Result<std::unique_ptr<File>> AofFiles::open_last_increment() const {
  return fs_->open(path_of(manifest_.increments.back().name), OpenMode::kAppend);
}

ManifestFile AofFiles::next_base(BaseForm form) {
  const std::uint64_t seq = ++last_base_seq_;
  return {base_name(paths_.filename, seq, form), seq};
}

Result<void> AofFiles::remove_unnamed(const ManifestFile& file) {
  const auto is_it = [&](const ManifestFile& named) { return named.name == file.name; };
  const bool named = std::ranges::any_of(manifest_.increments, is_it) ||
                     std::ranges::any_of(manifest_.history, is_it) || (manifest_.base && is_it(*manifest_.base));
  if (named || !fs_->exists(path_of(file.name))) return {};
  return fs_->remove(path_of(file.name));
}

Result<void> AofFiles::replace(Manifest next) {
  ASH_TRY_VOID(write_file_durably(*fs_, manifest_path(), format_manifest(next)));
  manifest_ = std::move(next);
  return {};
}

Result<void> AofFiles::delete_history() {
  if (manifest_.history.empty()) return {};
  for (const ManifestFile& file : manifest_.history) ASH_TRY_VOID(fs_->remove(path_of(file.name)));
  Manifest next = manifest_;
  next.history.clear();
  return replace(std::move(next));
}

}  // namespace ashlar::aof
