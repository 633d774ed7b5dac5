/// The lines typed before, kept in a file of the user.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ashlar::cli {

/// Thread: one. Invariants: no line holds a line end; the file is readable by its owner alone; lines with secrets get
/// neither into memory nor into the file. Trouble with the file is no error: the history then lives in memory.
class History {
 public:
  static constexpr std::size_t kMaxLines = 1000;

  /// Loads `path` when it exists; nullopt: memory only.
  explicit History(std::optional<std::string> path);

  /// Adds a line unless it repeats the last one or carries a secret, and appends it to the file.
  void add(const std::string& line);
  /// Oldest first, at most kMaxLines.
  [[nodiscard]] std::span<const std::string> lines() const noexcept { return lines_; }

 private:
  void load();
  void append_to_file(const std::string& line);
  void shorten_file();

  std::optional<std::string> path_;
  std::vector<std::string> lines_;
};

/// True when `line` may hold a password, also when its quotes do not match.
[[nodiscard]] bool is_secret_line(const std::string& line);

}  // namespace ashlar::cli
