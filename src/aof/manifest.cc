#include "aof/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::aof {
namespace {

constexpr std::size_t kLineBytesMax = 1024;  // Redis' MANIFEST_MAX_LINE

bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_printable(char c) noexcept { return c > ' ' && c < 0x7f; }

bool needs_quotes(std::string_view name) {
  return name.empty() || std::any_of(name.begin(), name.end(),
                                     [](char c) { return !is_printable(c) || c == '\\' || c == '"' || c == '\''; });
}

std::optional<int> hex_digit(char c) noexcept {
  c = to_lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return std::nullopt;
}

/// The character behind a backslash in double quotes; moves `rest` behind it.
char unescape(std::string_view& rest) {
  if (rest.size() >= 3 && rest[0] == 'x' && hex_digit(rest[1]) && hex_digit(rest[2])) {
    const int value = *hex_digit(rest[1]) * 16 + *hex_digit(rest[2]);
    rest.remove_prefix(3);
    return static_cast<char>(value);
  }
  const char c = rest[0];
  rest.remove_prefix(1);
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
  }
}

/// The word behind an opening quote; nullopt when it is not closed, or closed in the middle of a word.
std::optional<std::string> quoted_word(std::string_view& rest, char quote) {
  std::string word;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c == quote) return rest.empty() || is_blank(rest[0]) ? std::optional(word) : std::nullopt;
    if (c == '\\' && quote == '"' && !rest.empty()) {
      word += unescape(rest);
    } else if (c == '\\' && quote == '\'' && !rest.empty() && rest[0] == '\'') {
      word += '\'';
      rest.remove_prefix(1);
    } else {
      word += c;
    }
  }
  return std::nullopt;
}

/// Words of a line as Redis splits them; nullopt on unbalanced quotes.
std::optional<std::vector<std::string>> split_words(std::string_view rest) {
  std::vector<std::string> words;
  for (;;) {
    while (!rest.empty() && is_blank(rest[0])) rest.remove_prefix(1);
    if (rest.empty()) return words;
    std::string word;
    while (!rest.empty() && !is_blank(rest[0])) {
      const char c = rest[0];
      rest.remove_prefix(1);
      if (c != '"' && c != '\'') {
        word += c;
        continue;
      }
      auto inner = quoted_word(rest, c);
      if (!inner) return std::nullopt;
      word += *inner;
    }
    words.push_back(std::move(word));
  }
}

void append_line(std::string& out, const ManifestFile& file, char type) {
  out +=
      fmt::format("file {} seq {} type {}\n", needs_quotes(file.name) ? quoted(file.name) : file.name, file.seq, type);
}

struct Line {
  ManifestFile file;
  char type = 0;
};

/// Names are used to open files inside one directory, so they must stay in it.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Result<Line> parse_line(std::string_view text, std::size_t number) {
  const auto bad = [number](std::string_view what) {
    return fail(ErrorCode::kCorrupt, fmt::format("AOF manifest, line {}: {}", number, what));
  };
  if (text.size() > kLineBytesMax) return bad("The AOF manifest file contains too long line");
  const auto words = split_words(text);
  // More pairs than three may come with later versions.
  if (!words || words->size() < 6 || words->size() % 2 != 0) return bad("Invalid AOF manifest file format");
  Line line;
  for (std::size_t i = 0; i < words->size(); i += 2) {
    const std::string& value = (*words)[i + 1];
    if (iequals((*words)[i], "file")) {
      line.file.name = value;
      if (!is_plain_name(value)) return bad("the name of a file cannot be a path");
    } else if (iequals((*words)[i], "seq")) {
      const auto seq = parse_u64(value);
      // One below the largest stays free, for names count up from here.
      if (!seq || *seq == 0 || *seq >= 1ULL << 62)
        return bad("Invalid AOF manifest file format: wrong sequence number");
      line.file.seq = *seq;
    } else if (iequals((*words)[i], "type")) {
      line.type = value.empty() ? '\0' : value[0];
    }
  }
  if (line.file.name.empty() || line.file.seq == 0 || line.type == 0)
    return bad("Invalid AOF manifest file format: file, seq or type is missing");
  return line;
}

}  // namespace

std::string format_manifest(const Manifest& manifest) {
  std::string out;
  if (manifest.base) append_line(out, *manifest.base, 'b');
  for (const ManifestFile& file : manifest.history) append_line(out, file, 'h');
  for (const ManifestFile& file : manifest.increments) append_line(out, file, 'i');
  return out;
}

Result<Manifest> parse_manifest(std::string_view text) {
  const auto bad = [](std::size_t number, std::string_view what) {
    return fail(ErrorCode::kCorrupt, fmt::format("AOF manifest, line {}: {}", number, what));
  };
  if (text.empty()) return fail(ErrorCode::kCorrupt, "Found an empty AOF manifest");
  Manifest manifest;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return bad(number, "does not end with a line end");
    const std::string_view line_text = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line_text.starts_with('#')) continue;
    ASH_TRY(Line line, parse_line(line_text, number));
    switch (line.type) {
      case 'b':
        if (manifest.base) return bad(number, "Found duplicate base file information");
        manifest.base = std::move(line.file);
        break;
      case 'h': manifest.history.push_back(std::move(line.file)); break;
      case 'i':
        if (line.file.seq <= manifest.increment_seq()) return bad(number, "Found a non-monotonic sequence number");
        manifest.increments.push_back(std::move(line.file));
        break;
      default: return bad(number, "Unknown AOF file type");
    }
  }
  return manifest;
}

std::string base_name(std::string_view prefix, std::uint64_t seq, BaseForm form) {
  return fmt::format("{}.{}.base.{}", prefix, seq, form == BaseForm::kRdb ? "rdb" : "aof");
}

std::string increment_name(std::string_view prefix, std::uint64_t seq) {
  return fmt::format("{}.{}.incr.aof", prefix, seq);
}

}  // namespace ashlar::aof
