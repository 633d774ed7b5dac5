#include "script/script_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/bytes.h"

namespace ashlar::script {
namespace {

/// Splits at blanks, leaving out empty parts.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

struct FirstLine {
  std::vector<std::string_view> words;  // the engine first
  std::string_view body;
};

Result<FirstLine> split(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return fail("Invalid script shebang");
  FirstLine line{words_of(text.substr(2, end - 2)), text.substr(end)};
  if (line.words.empty()) return fail("Invalid engine in script shebang");
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
  ASH_TRY(const FirstLine line, split(text));
  Shebang found{std::string(line.words[0]), {}, ScriptFlag::kNone, line.body};
  if (found.engine != "lua") return fail(fmt::format("Unexpected engine in script shebang: {}", found.engine));
  for (const std::string_view word : std::span(line.words).subspan(1)) {
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
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return fail("Invalid library metadata");
  const auto words = words_of(text.substr(2, end - 2));
  if (words.empty()) return fail("Invalid library metadata");
  Shebang found{std::string(words[0]), {}, ScriptFlag::kNone, text.substr(end)};
  for (const std::string_view word : std::span(words).subspan(1)) {
    if (!word.starts_with("name=")) return fail(fmt::format("Invalid metadata value given: {}", word));
    if (!found.name.empty()) return fail("Invalid metadata value, name argument was given multiple times");
    found.name = word.substr(5);
  }
  if (found.name.empty()) return fail("Library name was not given");
  if (!iequals(found.engine, "lua")) return fail(fmt::format("Engine '{}' not found", found.engine));
  return found;
}

}  // namespace ashlar::script
