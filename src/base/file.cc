#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/fd.h"

namespace ashlar {
namespace {

class PosixFile final : public File {
 public:
  PosixFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<void> append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0) {
        if (errno == EINTR) continue;
        return fail_errno("write", path_, errno);
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Result<std::string> read_at(std::uint64_t offset, std::size_t length) override {
    std::string out;
    constexpr std::size_t kStep = 1 << 20;  // memory follows what the file really holds
    while (out.size() < length) {
      const std::size_t had = out.size();
      const std::size_t want = std::min(kStep, length - had);
      out.resize(had + want);
      const auto n = ::pread(fd_.get(), out.data() + had, want, static_cast<off_t>(offset + had));
      if (n < 0 && errno == EINTR) {
        out.resize(had);
        continue;
      }
      if (n < 0) return fail_errno("read", path_, errno);
      out.resize(had + static_cast<std::size_t>(n));
      if (n == 0) break;
    }
    return out;
  }

  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return fail_errno("fdatasync", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat st{};
    if (::fstat(fd_.get(), &st) != 0) return fail_errno("stat", path_, errno);
    return static_cast<std::uint64_t>(st.st_size);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return fail_errno("truncate", path_, errno);
    return {};
  }

 private:
  Fd fd_;
  std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead: flags |= O_RDONLY; break;
      case OpenMode::kAppend: flags |= O_RDWR | O_CREAT | O_APPEND; break;
      case OpenMode::kTruncate: flags |= O_RDWR | O_CREAT | O_TRUNC | O_APPEND; break;
    }
    Fd fd(::open(path.c_str(), flags, 0644));
    if (!fd) return fail_errno("open", path, errno);
    return std::make_unique<PosixFile>(std::move(fd), path);
  }
  Result<std::unique_ptr<File>> open_successor(const std::string& temporary, const std::string& path) override {
    struct stat old{};
    if (::stat(path.c_str(), &old) != 0) return open(temporary, OpenMode::kTruncate);
    Fd fd(::open(temporary.c_str(), O_CLOEXEC | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600));
    if (!fd) return fail_errno("open", temporary, errno);
    (void)::fchown(fd.get(), old.st_uid, old.st_gid);  // only root may; others own what they write
    if (::fchmod(fd.get(), old.st_mode & 07777) != 0) return fail_errno("chmod", temporary, errno);
    return std::make_unique<PosixFile>(std::move(fd), temporary);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename", from + " to " + to, errno);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink", path, errno);
    return {};
  }
  Result<void> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("mkdir", path, errno);
    return {};
  }
  Result<void> sync_directory(const std::string& path) override {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return fail_errno("open", path, errno);
    if (::fsync(fd.get()) != 0) return fail_errno("fsync", path, errno);
    return {};
  }
  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }
  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* dir = ::opendir(path.c_str());
    if (dir == nullptr) return fail_errno("opendir", path, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() { return std::make_unique<PosixFileSystem>(); }

Result<std::string> read_file(FileSystem& fs, const std::string& path) {
  ASH_TRY(const auto file, fs.open(path, OpenMode::kRead));
  ASH_TRY(const auto size, file->size());
  return file->read_at(0, size);
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::unique_ptr<File>> FileSystem::open_successor(const std::string& temporary, const std::string& /*path*/) {
  return open(temporary, OpenMode::kTruncate);
}

Result<void> write_file_durably(FileSystem& fs, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  const auto replace = [&]() -> Result<void> {
    {
      ASH_TRY(const auto file, fs.open_successor(temporary, path));
      ASH_TRY_VOID(file->append(content));
      ASH_TRY_VOID(file->sync());
    }
    return fs.rename(temporary, path);
  };
  if (auto done = replace(); !done) {
    (void)fs.remove(temporary);  // it takes room on a disk that may be full, and may hold secrets
    return done;
  }
  return fs.sync_directory(directory_of(path));
}

}  // namespace ashlar
