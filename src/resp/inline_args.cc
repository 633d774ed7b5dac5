#include "resp/inline_args.h"

#include <optional>

namespace ashlar::resp {
namespace {

/// Blanks between words. Inside a word vertical tab and form feed are ordinary characters, as in Redis.
bool is_gap(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

char named_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

/// Reads the quoted part whose opening quote is line[at]; moves `at` behind the closing one. False when it is missing.
bool read_quoted(std::string_view line, std::size_t& at, std::string& out) {
  const char quote = line[at++];
  while (at < line.size()) {
    const char c = line[at++];
    if (c == quote) return at == line.size() || is_gap(line[at]);
    if (c != '\\' || at == line.size()) {
      out += c;
    } else if (quote == '\'') {
      out += line[at] == '\'' ? line[at++] : c;
    } else if (line[at] == 'x' && at + 2 < line.size() && hex_digit(line[at + 1]) && hex_digit(line[at + 2])) {
      out += static_cast<char>(*hex_digit(line[at + 1]) << 4 | *hex_digit(line[at + 2]));
      at += 3;
    } else {
      out += named_escape(line[at++]);
    }
  }
  return false;
}

/// Reads a word that holds quotes, from line[at].
std::optional<std::string> read_quoting_word(std::string_view line, std::size_t& at) {
  std::string out;
  while (at < line.size() && !ends_word(line[at])) {
    if (line[at] != '"' && line[at] != '\'') {
      out += line[at++];
    } else {
      if (!read_quoted(line, at, out)) return std::nullopt;
      break;  // a closing quote ends the word
    }
  }
  return out;
}

}  // namespace

SplitStatus split_inline(std::string_view line, std::vector<std::string_view>& args,
                         std::forward_list<std::string>& decoded) {
  line = line.substr(0, line.find('\0'));
  const std::size_t count_before = args.size();
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && is_gap(line[at])) ++at;
    if (at == line.size()) return SplitStatus::kOk;
    std::size_t end = at;
    while (end < line.size() && !ends_word(line[end]) && line[end] != '"' && line[end] != '\'') ++end;
    if (end == line.size() || ends_word(line[end])) {
      args.push_back(line.substr(at, end - at));
      at = end;
      continue;
    }
    auto word = read_quoting_word(line, at);
    if (!word) {
      args.resize(count_before);
      return SplitStatus::kUnbalancedQuotes;
    }
    args.push_back(decoded.emplace_front(std::move(*word)));
  }
}

}  // namespace ashlar::resp
