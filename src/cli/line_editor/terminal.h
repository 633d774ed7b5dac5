/// The real terminal around the editor: raw mode, bytes, size.
#pragma once

#include <termios.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "cli/line_editor/editor.h"
#include "cli/line_editor/keys.h"

namespace ashlar::cli {

/// How reading a line ended.
enum class ReadOutcome : std::uint8_t { kLine, kInterrupt, kEndOfInput };

struct ReadLine {
  ReadOutcome outcome;
  std::string text;  // of kLine, without its end
};

/// Reads lines from a terminal with a LineEditor. Thread: one. Raw mode is on only while read() runs; bytes typed ahead
/// are kept for the next line.
class Terminal {
 public:
  /// Descriptors are borrowed.
  Terminal(int in, int out) : in_(in), out_(out) {}

  /// Shows `prompt` and edits until a line is finished.
  [[nodiscard]] ReadLine read(std::string_view prompt, LineEditor& editor);
  void clear_screen();

 private:
  [[nodiscard]] std::optional<Key> next_key();
  [[nodiscard]] bool has_ahead() const noexcept { return ahead_used_ < ahead_.size(); }
  [[nodiscard]] std::size_t columns() const;
  void write(std::string_view bytes);

  int in_;
  int out_;
  KeyDecoder decoder_;
  std::string ahead_;           // read
  std::size_t ahead_used_ = 0;  // bytes of it that are decoded
};

/// Reads a password without showing it, an asterisk for each character. nullopt: interrupted, or `in` is no terminal.
[[nodiscard]] std::optional<std::string> read_password(int in, int out, std::string_view prompt);

/// A line of a stream that is no terminal, of any length; nullopt at its end.
[[nodiscard]] std::optional<std::string> read_plain_line(std::FILE* in);

}  // namespace ashlar::cli
