#include "script/script_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace ashlar::script {
namespace {

[[nodiscard]] bool parts_words(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Splits at blanks, leaving out empty parts; quotes hold a part together and are taken off. nullopt: a quote is not
/// closed, or something else than a blank stands behind it.
std::optional<std::vector<std::string>> words_of(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    if (parts_words(line[at])) {
      ++at;
      continue;
    }
    std::string word;
    while (at < line.size() && !parts_words(line[at])) {
      const char c = line[at];
      if (c != '"' && c != '\'') {
        word.push_back(c);
        ++at;
        continue;
      }
      const std::size_t end = line.find(c, at + 1);
      if (end == std::string_view::npos || (end + 1 < line.size() && !parts_words(line[end + 1]))) return std::nullopt;
      word.append(line.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    words.push_back(std::move(word));
  }
  return words;
}

struct FirstLine {
  std::string engine;
  std::vector<std::string> words;  // behind it
  std::string_view body;
};

/// The first line of a text that begins with "#!". nullopt: it does not end, or its quotes do not.
std::optional<FirstLine> split(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  auto words = words_of(text.substr(0, end));
  if (!words || words->empty()) return std::nullopt;
  FirstLine line{words->front().substr(2), {words->begin() + 1, words->end()}, text.substr(end)};
  return line;
}

}  // namespace

std::string_view flag_name(ScriptFlag flag) noexcept {
  switch (flag) {
    case ScriptFlag::kNoWrites: return "no-writes";
    case ScriptFlag::kAllowOom: return "allow-oom";
    case ScriptFlag::kAllowStale: return "allow-stale";
    case ScriptFlag::kNoCluster: return "no-cluster";
    case ScriptFlag::kAllowCrossSlotKeys: return "allow-cross-slot-keys";
    default: return {};
  }
}

ScriptFlag flag_named(std::string_view name) noexcept {
  for (const ScriptFlag flag : kUserFlags) {
    if (flag_name(flag) == name) return flag;
  }
  return ScriptFlag::kNone;
}

Result<Shebang> read_script_shebang(std::string_view text) {
  if (!text.starts_with("#!")) return Shebang{"lua", {}, ScriptFlag::kCompatible, text};
  if (text.find('\n') == std::string_view::npos) return fail("Invalid script shebang");
  const auto line = split(text);
  if (!line) return fail("Invalid engine in script shebang");
  Shebang found{line->engine, {}, ScriptFlag::kNone, line->body};
  if (found.engine != "lua") return fail(fmt::format("Unexpected engine in script shebang: {}", found.engine));
  for (const std::string_view word : line->words) {
    if (!word.starts_with("flags=")) return fail(fmt::format("Unknown lua shebang option: {}", word));
    std::string_view names = word.substr(6);
    while (!names.empty()) {
      const std::size_t end = std::min(names.find(','), names.size());
      const ScriptFlag flag = flag_named(names.substr(0, end));
      if (flag == ScriptFlag::kNone)
        return fail(fmt::format("Unexpected flag in script shebang: {}", names.substr(0, end)));
      found.flags = found.flags | flag;
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  }
  return found;
}

Result<Shebang> read_library_shebang(std::string_view text) {
  if (!text.starts_with("#!")) return fail("Missing library metadata");
  const auto line = split(text);
  if (!line) return fail("Invalid library metadata");
  Shebang found{line->engine, {}, ScriptFlag::kNone, line->body};
  for (const std::string_view word : line->words) {
    if (!word.starts_with("name=")) return fail(fmt::format("Invalid metadata value given: {}", word));
    if (!found.name.empty()) return fail("Invalid metadata value, name argument was given multiple times");
    found.name = word.substr(5);
  }
  if (found.name.empty()) return fail("Library name was not given");
  if (!iequals(found.engine, "lua")) return fail(fmt::format("Engine '{}' not found", found.engine));
  return found;
}

}  // namespace ashlar::script
