/// Files from a map, for tests and fuzzing: reading works, writing fails. Thread: one.
#pragma once

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace ashlar::config {

class MapFiles final : public FileSystem {
 public:
  /// By absolute path. Every folder above a file exists.
  explicit MapFiles(std::map<std::string, std::string> content) : content_(std::move(content)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const auto found = content_.find(path);
    if (mode != OpenMode::kRead) return fail_errno("open", path, EROFS);
    if (found == content_.end()) return fail_errno("open", path, ENOENT);
    return std::make_unique<Reader>(found->second);
  }
  Result<void> rename(const std::string& from, const std::string&) override {
    return fail_errno("rename", from, EROFS);
  }
  Result<void> remove(const std::string& path) override { return fail_errno("unlink", path, EROFS); }
  Result<void> make_directory(const std::string& path) override { return fail_errno("mkdir", path, EROFS); }
  Result<void> sync_directory(const std::string& path) override { return fail_errno("fsync", path, EROFS); }
  bool exists(const std::string& path) override {
    if (path == "/" || content_.contains(path)) return true;
    const auto inside = content_.lower_bound(path + "/");
    return inside != content_.end() && inside->first.starts_with(path + "/");
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::string prefix = path == "/" ? path : path + "/";
    std::vector<std::string> names;
    for (auto it = content_.lower_bound(prefix); it != content_.end() && it->first.starts_with(prefix); ++it) {
      const std::string rest = it->first.substr(prefix.size());
      const std::string name = rest.substr(0, rest.find('/'));
      if (names.empty() || names.back() != name) names.push_back(name);
    }
    return names;
  }

 private:
  class Reader final : public File {
   public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    Result<void> append(std::string_view) override { return fail_errno("write", "", EROFS); }
    Result<std::string> read_at(std::uint64_t offset, std::size_t length) override {
      if (offset >= bytes_.size()) return std::string();
      return std::string(bytes_.substr(offset, length));
    }
    Result<void> sync() override { return {}; }
    Result<std::uint64_t> size() override { return bytes_.size(); }
    Result<void> truncate(std::uint64_t) override { return fail_errno("truncate", "", EROFS); }

   private:
    std::string_view bytes_;
  };

  std::map<std::string, std::string> content_;
};

}  // namespace ashlar::config
