#include "cli/shell/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/fd.h"
#include "cli/command_traits.h"
#include "cli/line_editor/terminal.h"
#include "cli/quoting.h"

namespace ashlar::cli {
namespace {

constexpr mode_t kOwnerOnly = 0600;

/// Words without regard to quotes, for lines that cannot be split properly.
std::vector<std::string> rough_words(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ' || c == '\t' || c == '"' || c == '\'') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

void write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

bool is_secret_line(const std::string& line) {
  const auto words = split_words(line);
  return carries_secret(words ? *words : rough_words(line));
}

History::History(std::optional<std::string> path) : path_(std::move(path)) {
  if (path_) load();
}

void History::load() {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path_->c_str(), "re"));
  if (!file) return;
  while (auto line = read_plain_line(file.get())) {
    if (!line->empty()) lines_.push_back(std::move(*line));
  }
  if (lines_.size() <= kMaxLines) return;
  const bool much_too_long = lines_.size() > 2 * kMaxLines;
  lines_.erase(lines_.begin(), lines_.end() - static_cast<std::ptrdiff_t>(kMaxLines));
  if (much_too_long) shorten_file();
}

void History::shorten_file() {
  std::string content;
  for (const std::string& line : lines_) content += line + "\n";
  const Fd file(::open(path_->c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC, kOwnerOnly));
  if (file) write_fully(file.get(), content);
}

void History::add(const std::string& line) {
  if (line.empty() || (!lines_.empty() && lines_.back() == line) || is_secret_line(line)) return;
  if (line.find('\n') != std::string::npos) return;
  lines_.push_back(line);
  if (lines_.size() > kMaxLines) lines_.erase(lines_.begin());
  if (path_) append_to_file(line);
}

void History::append_to_file(const std::string& line) {
  const Fd file(::open(path_->c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, kOwnerOnly));
  if (file) write_fully(file.get(), line + "\n");
}

}  // namespace ashlar::cli
