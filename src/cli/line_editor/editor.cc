#include "cli/line_editor/editor.h"

#include <algorithm>
#include <utility>

#include "cli/line_editor/text_width.h"

namespace ashlar::cli {

EditAction LineEditor::press(const Key& key) {
  if (completion_) return press_in_completion(key);
  if (search_) return press_in_search(key);
  return press_plain(key);
}

EditAction LineEditor::press_plain(const Key& key) {
  switch (key.kind) {
    case KeyKind::kText: return insert(key.text);
    case KeyKind::kEnter: cursor_ = text_.size(); return EditAction::kSubmit;
    case KeyKind::kTab: return complete();
    case KeyKind::kBackspace: return erase(previous_character(text_, cursor_), cursor_);
    case KeyKind::kDelete: return erase(cursor_, next_character(text_, cursor_));
    case KeyKind::kLeft: return move_to(previous_character(text_, cursor_));
    case KeyKind::kRight: return move_to(next_character(text_, cursor_));
    case KeyKind::kUp:
    case KeyKind::kDown: return walk_history(key.kind);
    case KeyKind::kHome: return move_to(0);
    case KeyKind::kEnd: return move_to(text_.size());
    case KeyKind::kWordLeft: return move_to(word_left());
    case KeyKind::kWordRight: return move_to(word_right());
    case KeyKind::kKillToEnd: return erase(cursor_, text_.size());
    case KeyKind::kKillToStart: return erase(0, cursor_);
    case KeyKind::kKillWord: return erase(word_left(), cursor_);
    case KeyKind::kTranspose: return transpose();
    case KeyKind::kClearScreen: return EditAction::kClearScreen;
    case KeyKind::kSearch: search_ = Search{{}, text_, std::nullopt}; return EditAction::kRefresh;
    case KeyKind::kInterrupt: return EditAction::kInterrupt;
    case KeyKind::kEndOfInput:
      if (text_.empty()) return EditAction::kEndOfInput;
      return erase(cursor_, next_character(text_, cursor_));
    case KeyKind::kEscape:
    case KeyKind::kUnknown: break;
  }
  return EditAction::kNothing;
}

EditAction LineEditor::insert(std::string_view bytes) {
  text_.insert(cursor_, bytes);
  cursor_ += bytes.size();
  return EditAction::kRefresh;
}

EditAction LineEditor::erase(std::size_t from, std::size_t to) {
  if (from == to) return EditAction::kNothing;
  text_.erase(from, to - from);
  cursor_ = from;
  return EditAction::kRefresh;
}

EditAction LineEditor::move_to(std::size_t cursor) {
  if (std::exchange(cursor_, cursor) == cursor) return EditAction::kNothing;
  return EditAction::kRefresh;
}

EditAction LineEditor::transpose() {
  // At the end the last two characters swap, elsewhere the ones around the cursor.
  const std::size_t middle = cursor_ == text_.size() ? previous_character(text_, cursor_) : cursor_;
  if (middle == 0) return EditAction::kBell;
  const std::size_t left = previous_character(text_, middle);
  const std::size_t right = next_character(text_, middle);
  std::rotate(text_.begin() + static_cast<std::ptrdiff_t>(left), text_.begin() + static_cast<std::ptrdiff_t>(middle),
              text_.begin() + static_cast<std::ptrdiff_t>(right));
  cursor_ = right;
  return EditAction::kRefresh;
}

std::size_t LineEditor::word_left() const {
  std::size_t at = cursor_;
  while (at > 0 && text_[at - 1] == ' ') --at;
  while (at > 0 && text_[at - 1] != ' ') --at;
  return at;
}

std::size_t LineEditor::word_right() const {
  std::size_t at = cursor_;
  while (at < text_.size() && text_[at] == ' ') ++at;
  while (at < text_.size() && text_[at] != ' ') ++at;
  return at;
}

void LineEditor::replace_line(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
}

EditAction LineEditor::walk_history(KeyKind direction) {
  if (direction == KeyKind::kUp) {
    const std::size_t below = history_at_.value_or(history_.size());
    if (below == 0) return EditAction::kBell;
    if (!history_at_) typed_ = text_;
    history_at_ = below - 1;
  } else {
    if (!history_at_) return EditAction::kBell;
    history_at_ = *history_at_ + 1 < history_.size() ? std::optional(*history_at_ + 1) : std::nullopt;
  }
  replace_line(history_at_ ? history_[*history_at_] : typed_);
  return EditAction::kRefresh;
}

EditAction LineEditor::complete() {
  std::vector<std::string> candidates = completer_ ? completer_(text_) : std::vector<std::string>();
  if (candidates.empty()) return EditAction::kBell;
  completion_ = Completion{text_, cursor_, std::move(candidates), 0};
  return show_completion();
}

EditAction LineEditor::show_completion() {
  if (completion_->shown < completion_->candidates.size()) {
    replace_line(completion_->candidates[completion_->shown]);
    return EditAction::kRefresh;
  }
  text_ = completion_->original;
  cursor_ = completion_->original_cursor;
  return EditAction::kRefresh;
}

EditAction LineEditor::press_in_completion(const Key& key) {
  if (key.kind == KeyKind::kTab) {
    completion_->shown = (completion_->shown + 1) % (completion_->candidates.size() + 1);
    return show_completion();
  }
  if (key.kind == KeyKind::kEscape) {
    completion_->shown = completion_->candidates.size();
    const EditAction action = show_completion();
    completion_.reset();
    return action;
  }
  completion_.reset();
  return press_plain(key);
}

EditAction LineEditor::press_in_search(const Key& key) {
  Search& search = *search_;
  switch (key.kind) {
    case KeyKind::kText:
      search.query += key.text;
      return search_from(search.found ? *search.found + 1 : history_.size());
    case KeyKind::kBackspace:
      search.query.erase(previous_character(search.query, search.query.size()));
      return search_from(history_.size());
    case KeyKind::kSearch: return search_from(search.found.value_or(history_.size()));
    case KeyKind::kEscape:
    case KeyKind::kInterrupt: {
      std::string original = std::move(search.original);
      search_.reset();
      replace_line(std::move(original));
      return EditAction::kRefresh;
    }
    default: {
      search_.reset();
      const EditAction action = press_plain(key);
      return action == EditAction::kNothing ? EditAction::kRefresh : action;
    }
  }
}

/// Looks for the newest entry before index `end` that holds the query.
EditAction LineEditor::search_from(std::size_t end) {
  Search& search = *search_;
  if (search.query.empty()) {
    search.found.reset();
    replace_line(search.original);
    return EditAction::kRefresh;
  }
  for (std::size_t i = end; i-- > 0;) {
    if (history_[i].find(search.query) == std::string::npos) continue;
    search.found = i;
    replace_line(history_[i]);
    return EditAction::kRefresh;
  }
  return EditAction::kBell;
}

std::string LineEditor::render(std::string_view prompt, std::size_t columns, Last last) const {
  std::string shown_prompt(prompt);
  if (search_) shown_prompt = "(reverse-i-search)`" + search_->query + "': ";
  const std::size_t prompt_width = display_width(shown_prompt);
  // One column stays free so that the cursor never wraps to the next row.
  const std::size_t room = columns > prompt_width + 1 ? columns - prompt_width - 1 : 1;

  const std::string_view line = text_;
  const auto width = [&](std::size_t begin, std::size_t end) { return display_width(line.substr(begin, end - begin)); };
  // Each part of the line is measured once: a pasted line may be very long.
  std::size_t from = 0;
  std::size_t before_cursor = width(0, cursor_);
  while (from < cursor_ && before_cursor > room) {
    const std::size_t next = next_character(line, from);
    before_cursor -= std::min(before_cursor, width(from, next));
    from = next;
  }
  std::size_t to = from;
  std::size_t shown = 0;
  while (to < line.size()) {
    const std::size_t next = next_character(line, to);
    shown += width(to, next);
    if (shown > room) break;
    to = next;
  }
  const std::string_view visible = line.substr(from, to - from);

  std::string out = "\r" + shown_prompt;
  out += visible;
  if (hinter_ && last == Last::kNo && !search_ && to == line.size()) {
    const std::string hint = hinter_(line);
    const std::size_t left = room - std::min(room, display_width(visible));
    std::size_t fits = 0;
    while (fits < hint.size()) {
      const std::size_t next = next_character(hint, fits);
      if (display_width(std::string_view(hint).substr(0, next)) > left) break;
      fits = next;
    }
    if (fits > 0) out += "\x1b[0;90m" + hint.substr(0, fits) + "\x1b[0m";
  }
  out += "\x1b[0K\r";
  const std::size_t column = prompt_width + before_cursor;
  if (column > 0) out += "\x1b[" + std::to_string(column) + "C";
  return out;
}

}  // namespace ashlar::cli
