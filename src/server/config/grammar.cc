#include "server/config/grammar.h"

namespace ashlar::config {
namespace {

[[nodiscard]] bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

[[nodiscard]] std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

/// Reads words one after the other from a line.
class WordReader {
 public:
  explicit WordReader(std::string_view line) : line_(line) {}

  /// False at the end of the line.
  [[nodiscard]] bool skip_space() noexcept {
    while (at_ < line_.size() && is_space(line_[at_])) ++at_;
    return at_ < line_.size();
  }

  [[nodiscard]] std::optional<std::string> word() {
    std::string out;
    while (at_ < line_.size()) {
      const char c = line_[at_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') return out;
      ++at_;
      if (c == '"' || c == '\'') {
        if (!(c == '"' ? double_quoted(out) : single_quoted(out))) return std::nullopt;
        return out;
      }
      out += c;
    }
    return out;
  }

 private:
  /// Whether the word may end here: nothing is glued to the closing quote.
  [[nodiscard]] bool ends_here() const noexcept { return at_ == line_.size() || is_space(line_[at_]); }

  [[nodiscard]] bool single_quoted(std::string& out) {
    while (at_ < line_.size()) {
      if (line_[at_] == '\\' && at_ + 1 < line_.size() && line_[at_ + 1] == '\'') {
        out += '\'';
        at_ += 2;
      } else if (line_[at_] == '\'') {
        ++at_;
        return ends_here();
      } else {
        out += line_[at_++];
      }
    }
    return false;
  }

  [[nodiscard]] bool double_quoted(std::string& out) {
    while (at_ < line_.size()) {
      if (line_[at_] == '"') {
        ++at_;
        return ends_here();
      }
      if (line_[at_] == '\\' && at_ + 1 < line_.size()) {
        escape(out);
      } else {
        out += line_[at_++];
      }
    }
    return false;
  }

  void escape(std::string& out) {
    if (line_[at_ + 1] == 'x' && at_ + 3 < line_.size()) {
      const auto high = hex_digit(line_[at_ + 2]);
      const auto low = hex_digit(line_[at_ + 3]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        at_ += 4;
        return;
      }
    }
    switch (const char c = line_[at_ + 1]) {
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'b': out += '\b'; break;
      case 'a': out += '\a'; break;
      default: out += c;
    }
    at_ += 2;
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  WordReader reader(line);
  while (reader.skip_space()) {
    auto word = reader.word();
    if (!word) return std::nullopt;
    words.push_back(std::move(*word));
  }
  return words;
}

std::vector<std::string> split_at_blanks(std::string_view value) {
  std::vector<std::string> pieces;
  for (;;) {
    const auto blank = value.find(' ');
    pieces.emplace_back(value.substr(0, blank));
    if (blank == std::string_view::npos) return pieces;
    value.remove_prefix(blank + 1);
  }
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::vector<Line> meaningful_lines(std::string_view text) {
  std::vector<Line> lines;
  for (std::size_t number = 1;; ++number) {
    const auto end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    if (!line.empty() && line[0] != '#') lines.push_back({number, line});
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace ashlar::config
