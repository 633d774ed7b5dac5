#include "script/lua_source.h"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace ashlar::script {
namespace {

[[nodiscard]] bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] bool begins_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
[[nodiscard]] bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Words and single characters of a Lua text; strings and comments are skipped, a string counts as one character.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  /// All tokens; nullopt when a string or comment has no end.
  [[nodiscard]] std::optional<std::vector<std::string_view>> tokens() {
    std::vector<std::string_view> out;
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const char c = text_[at_];
      if (is_blank(c)) {
        ++at_;
        continue;
      }
      if (c == '-' && peek(1) == '-') {
        at_ += 2;
        if (!skip_comment()) return std::nullopt;
        continue;
      }
      if (begins_name(c) || is_digit(c)) {
        while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
      } else if (c == '"' || c == '\'') {
        if (!skip_quoted(c)) return std::nullopt;
      } else if (const auto level = long_bracket()) {
        if (!skip_long(*level)) return std::nullopt;
      } else {
        ++at_;
      }
      out.push_back(text_.substr(begin, at_ - begin));
    }
    return out;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  /// How many '=' stand in the long bracket that opens here; nullopt when none does.
  [[nodiscard]] std::optional<std::size_t> long_bracket() const noexcept {
    if (peek(0) != '[') return std::nullopt;
    std::size_t level = 0;
    while (peek(1 + level) == '=') ++level;
    return peek(1 + level) == '[' ? std::optional(level) : std::nullopt;
  }
  [[nodiscard]] bool skip_long(std::size_t level) {
    const std::string close = "]" + std::string(level, '=') + "]";
    const std::size_t end = text_.find(close, at_ + level + 2);
    if (end == std::string_view::npos) return false;
    at_ = end + close.size();
    return true;
  }
  [[nodiscard]] bool skip_comment() {
    if (const auto level = long_bracket()) return skip_long(*level);
    at_ = std::min(text_.find('\n', at_), text_.size());
    return true;
  }
  [[nodiscard]] bool skip_quoted(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        ++at_;
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

using Tokens = std::span<const std::string_view>;

/// For each opening parenthesis the place of the one that closes it; 0, where none can close, for all other tokens.
[[nodiscard]] std::vector<std::size_t> closings(Tokens tokens) {
  std::vector<std::size_t> out(tokens.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] == "(") open.push_back(i);
    if (tokens[i] != ")" || open.empty()) continue;
    out[open.back()] = i;
    open.pop_back();
  }
  return out;
}

/// What may stand behind the values of a return.
[[nodiscard]] bool ends_block(Tokens rest) {
  if (rest.empty()) return true;
  for (const std::string_view word : {"end", "else", "elseif", "until", ";"}) {
    if (rest.front() == word) return true;
  }
  return false;
}

}  // namespace

std::string keep_calling_frames(std::string_view source) {
  std::string out;
  std::size_t copied = 0;  // of source
  const auto put = [&](std::size_t until, char c) {
    out.append(source.substr(copied, until - copied)).push_back(c);
    copied = until;
  };
  if (source.find("return") != std::string_view::npos) {
    const auto all = Lexer(source).tokens();
    if (!all) return std::string(source);
    const Tokens tokens = *all;
    const std::vector<std::size_t> closing = closings(tokens);
    const auto place = [&](std::string_view token) { return static_cast<std::size_t>(token.data() - source.data()); };
    constexpr std::size_t kShortest = 6;  // return redis . call ( )
    for (std::size_t i = 0; i + kShortest <= tokens.size(); ++i) {
      if (tokens[i] != "return" || (tokens[i + 1] != "redis" && tokens[i + 1] != "server")) continue;
      if (tokens[i + 2] != "." || tokens[i + 3] != "call" || tokens[i + 4] != "(") continue;
      const std::size_t closed = closing[i + 4];
      if (closed == 0 || !ends_block(tokens.subspan(closed + 1))) continue;
      // A return stands at the end of its block, so no other one is inside unless in a function among the arguments.
      const std::size_t end = place(tokens[closed]) + 1;
      if (place(tokens[i + 1]) < copied) continue;
      put(place(tokens[i + 1]), '(');
      put(end, ')');
    }
  }
  out.append(source.substr(copied));
  return out;
}

}  // namespace ashlar::script
