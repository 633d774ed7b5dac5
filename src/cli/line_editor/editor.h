/// The line being typed: keys in, text and screen updates out. Pure: it knows no terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/line_editor/keys.h"

namespace ashlar::cli {

/// What the surrounding program has to do after a key.
enum class EditAction : std::uint8_t {
  kNothing,      // the key changed nothing that shows
  kRefresh,      // draw render()
  kBell,         // the key cannot be obeyed
  kSubmit,       // text() is a finished line
  kInterrupt,    // ctrl-c
  kEndOfInput,   // ctrl-d on an empty line
  kClearScreen,  // clear, then draw render()
};

/// Edits one line. Thread: one.
/// Invariants: 1. cursor() is at the beginning of a character; 2. while a completion or a search is shown, text() is
/// the text that Enter would submit.
class LineEditor {
 public:
  /// Gives whole lines that complete the argument; may be empty.
  using Completer = std::function<std::vector<std::string>(std::string_view)>;
  /// Gives what to show in grey after the argument; may be empty.
  using Hinter = std::function<std::string(std::string_view)>;

  /// `history` (oldest first) is borrowed and must not change until the line is finished.
  explicit LineEditor(std::span<const std::string> history) : history_(history) {}
  void set_completer(Completer completer) { completer_ = std::move(completer); }
  void set_hinter(Hinter hinter) { hinter_ = std::move(hinter); }

  [[nodiscard]] EditAction press(const Key& key);
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Byte offset in text().
  [[nodiscard]] std::size_t cursor() const noexcept { return cursor_; }

  /// Bytes that draw prompt, line and hint on the current row of a terminal `columns` wide and leave the cursor in its
  /// place. A line that is too long is shown around the cursor. Without the hint when `final`, for the last drawing.
  enum class Last : std::uint8_t { kNo, kYes };
  [[nodiscard]] std::string render(std::string_view prompt, std::size_t columns, Last last = Last::kNo) const;

 private:
  struct Completion {
    std::string original;
    std::size_t original_cursor;
    std::vector<std::string> candidates;
    std::size_t shown;  // candidates.size(): the original
  };
  struct Search {
    std::string query;
    std::string original;
    std::optional<std::size_t> found;  // index in the history
  };

  EditAction press_plain(const Key& key);
  EditAction press_in_completion(const Key& key);
  EditAction press_in_search(const Key& key);
  EditAction move_to(std::size_t cursor);
  EditAction erase(std::size_t from, std::size_t to);
  EditAction insert(std::string_view bytes);
  EditAction transpose();
  EditAction walk_history(KeyKind direction);
  EditAction complete();
  EditAction show_completion();
  EditAction search_from(std::size_t end);
  void replace_line(std::string text);
  [[nodiscard]] std::size_t word_left() const;
  [[nodiscard]] std::size_t word_right() const;

  std::span<const std::string> history_;
  Completer completer_;
  Hinter hinter_;
  std::string text_;
  std::size_t cursor_ = 0;
  std::optional<std::size_t> history_at_;  // shown entry; nullopt: the line being typed
  std::string typed_;                      // that line, while an entry is shown
  std::optional<Completion> completion_;
  std::optional<Search> search_;
};

}  // namespace ashlar::cli
