#include "snapshot/snapshot_sink.h"

#include <utility>

namespace ashlar::snapshot {

PendingFile::PendingFile(FileSystem& fs, std::string temporary, std::string path, std::unique_ptr<File> file)
    : fs_(fs), temporary_(std::move(temporary)), path_(std::move(path)), file_(std::move(file)) {}

Result<std::unique_ptr<PendingFile>> PendingFile::create(FileSystem& fs, std::string temporary, std::string path) {
  ASH_TRY(auto file, fs.open(temporary, OpenMode::kTruncate));
  return std::unique_ptr<PendingFile>(new PendingFile(fs, std::move(temporary), std::move(path), std::move(file)));
}

PendingFile::~PendingFile() {
  if (committed_) return;
  file_.reset();
  (void)fs_.remove(temporary_);  // only tidiness: the name says that it is temporary
}

Result<void> PendingFile::commit() {
  ASH_TRY_VOID(file_->sync());
  ASH_TRY_VOID(fs_.rename(temporary_, path_));
  committed_ = true;
  return fs_.sync_directory(directory_of(path_));
}

Result<void> RdbFileSink::finish() {
  ASH_TRY_VOID(stream_.finish());
  return target_->commit();
}

}  // namespace ashlar::snapshot
