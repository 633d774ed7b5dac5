#include "cli/quoting.h"

namespace ashlar::cli {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

char control_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

/// Reads one word after another from a line.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : rest_(line) {}

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  /// nullopt on a quoting mistake.
  std::optional<std::string> next_word() {
    std::string word;
    while (!rest_.empty() && !is_blank(rest_.front())) {
      const char c = rest_.front();
      if (c == '"' || c == '\'') {
        rest_.remove_prefix(1);
        // A quoted part ends its word, so that `"a"b` is a mistake and not a surprise.
        if (!(c == '"' ? read_double(word) : read_single(word))) return std::nullopt;
        if (!rest_.empty() && !is_blank(rest_.front())) return std::nullopt;
        return word;
      }
      word += c;
      rest_.remove_prefix(1);
    }
    return word;
  }

 private:
  bool read_double(std::string& word) {
    while (!rest_.empty()) {
      if (rest_.size() >= 4 && rest_[0] == '\\' && rest_[1] == 'x' && hex_digit(rest_[2]) && hex_digit(rest_[3])) {
        word += static_cast<char>(*hex_digit(rest_[2]) * 16 + *hex_digit(rest_[3]));
        rest_.remove_prefix(4);
      } else if (rest_.size() >= 2 && rest_[0] == '\\') {
        word += control_escape(rest_[1]);
        rest_.remove_prefix(2);
      } else if (rest_[0] == '"') {
        rest_.remove_prefix(1);
        return true;
      } else {
        word += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  bool read_single(std::string& word) {
    while (!rest_.empty()) {
      if (rest_.starts_with("\\'")) {
        word += '\'';
        rest_.remove_prefix(2);
      } else if (rest_[0] == '\'') {
        rest_.remove_prefix(1);
        return true;
      } else {
        word += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return false;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  Splitter splitter(line);
  for (splitter.skip_blanks(); !splitter.at_end(); splitter.skip_blanks()) {
    auto word = splitter.next_word();
    if (!word) return std::nullopt;
    words.push_back(std::move(*word));
  }
  return words;
}

std::optional<std::string> unquote(std::string_view text) {
  auto words = split_words(text);
  if (!words || words->size() != 1) return std::nullopt;
  return std::move(words->front());
}

}  // namespace ashlar::cli
