/// Where the manager speaks and asks: styled lines, questions, a progress line.
///
/// Colours and the progress line appear only when the output is a terminal. Thread: one.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::cli::cluster {

enum class Style : std::uint8_t { kPlain, kHeading, kGood, kWarning, kBad };

class Terminal {
 public:
  /// The streams are not owned and must outlive the terminal.
  Terminal(std::FILE* in, std::FILE* out, std::FILE* err);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// `text` and a line end, on the output.
  void line(Style style, std::string_view text);
  void line(std::string_view text) { line(Style::kPlain, text); }
  /// `text` as it is, shown at once.
  void print(std::string_view text);
  /// `text` and a line end, on the error stream.
  void error_line(std::string_view text);
  /// Replaces the progress line. Nothing unless live().
  void show_progress(std::string_view text);
  /// Removes the progress line, so that other lines can follow.
  void end_progress();
  /// True when somebody watches: the output is a terminal.
  [[nodiscard]] bool live() const noexcept { return live_; }

  /// The next line of the input after showing `question`; nullopt at its end.
  [[nodiscard]] std::optional<std::string> ask(std::string_view question);
  /// The same, and what is typed is not shown.
  [[nodiscard]] std::optional<std::string> ask_secret(std::string_view question);

 private:
  std::FILE* in_;
  std::FILE* out_;
  std::FILE* err_;
  bool live_;
  bool colours_;
  bool progress_shown_ = false;
};

}  // namespace ashlar::cli::cluster
