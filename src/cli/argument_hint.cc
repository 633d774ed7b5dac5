// Hints: reads the typed words against the argument grammar and renders what is left of it.
#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "cli/command_docs.h"
#include "cli/quoting.h"

namespace ashlar::cli {
namespace {

using Words = std::span<const std::string>;
using Arguments = std::span<const ArgumentDoc>;

/// Words that an argument took, and the part of it that the user still has to type.
struct Taken {
  std::size_t words = 0;
  std::string missing;
};

std::optional<Taken> take(const ArgumentDoc& argument, Words words);

std::optional<Taken> take_body(const ArgumentDoc& argument, Words words);

enum class Want : std::uint8_t { kKeyword, kPositional };

/// Index in `left` of the argument that reads the next words, and what it reads. Optional ones may be passed over, a
/// required one may not.
std::optional<std::pair<std::size_t, Taken>> find_taker(const std::vector<const ArgumentDoc*>& left, Words words,
                                                        Want want) {
  for (std::size_t i = 0; i < left.size(); ++i) {
    const ArgumentDoc& a = *left[i];
    const bool is_keyword = a.has_token || a.kind != ArgumentDoc::Kind::kPlain;
    if (is_keyword == (want == Want::kKeyword)) {
      if (auto taken = take(a, words)) return std::pair(i, std::move(*taken));
    }
    if (!a.optional) break;
  }
  return std::nullopt;
}

/// "key ..." of "key [key ...]": what may follow the elements of a list that are already typed.
std::string render_repetition(const ArgumentDoc& list) {
  ArgumentDoc one = list;
  one.multiple = false;
  one.optional = false;
  one.has_token = list.multiple_token;
  return "[" + render_arguments({&one, 1}) + " ...]";
}

void append_word(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  text += word;
}

/// Reads `words` as arguments in order, optional ones in any order before the next required one. Words that stand for
/// values go to a list that was begun rather than to what comes after it.
Taken take_all(Arguments arguments, Words words) {
  std::vector<const ArgumentDoc*> left;
  for (const ArgumentDoc& a : arguments) left.push_back(&a);
  const ArgumentDoc* list = nullptr;
  Taken out;
  while (out.words < words.size() && out.missing.empty()) {
    const Words rest = words.subspan(out.words);
    auto found = find_taker(left, rest, Want::kKeyword);
    if (!found && list != nullptr) {
      auto more = list->multiple_token ? take(*list, rest) : take_body(*list, rest);
      if (more && more->words > 0) {
        out.words += more->words;
        out.missing = std::move(more->missing);
        continue;
      }
    }
    if (!found) found = find_taker(left, rest, Want::kPositional);
    if (!found) break;
    const ArgumentDoc& taker = *left[found->first];
    list = taker.multiple ? &taker : nullptr;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(found->first));
    out.words += found->second.words;
    out.missing = std::move(found->second.missing);
  }
  if (list != nullptr) append_word(out.missing, render_repetition(*list));
  for (const ArgumentDoc* a : left) append_word(out.missing, render_arguments({a, 1}));
  return out;
}

/// One occurrence of an argument without its token.
std::optional<Taken> take_body(const ArgumentDoc& a, Words words) {
  if (a.kind == ArgumentDoc::Kind::kPureToken) return Taken{};
  if (words.empty()) {
    ArgumentDoc rest = a;
    rest.has_token = false;
    rest.optional = false;
    rest.multiple = false;
    return Taken{0, render_arguments({&rest, 1})};
  }
  if (a.kind == ArgumentDoc::Kind::kPlain) return Taken{1, {}};
  if (a.kind == ArgumentDoc::Kind::kOneOf) {
    for (const ArgumentDoc& part : a.parts) {
      if (part.has_token) {
        if (auto taken = take(part, words)) return taken;
      }
    }
    for (const ArgumentDoc& part : a.parts) {
      if (!part.has_token) {
        if (auto taken = take(part, words)) return taken;
      }
    }
    return std::nullopt;
  }
  Taken taken = take_all(a.parts, words);
  if (taken.words == 0) return std::nullopt;
  return taken;
}

std::optional<Taken> take(const ArgumentDoc& a, Words words) {
  if (words.empty()) return std::nullopt;
  Taken out;
  if (a.has_token) {
    if (!iequals(words[0], a.token)) return std::nullopt;
    out.words = 1;
  }
  auto body = take_body(a, words.subspan(out.words));
  if (!body) return std::nullopt;
  out.words += body->words;
  out.missing = std::move(body->missing);
  return out;
}

}  // namespace

std::string argument_hint(const CommandDocs& docs, std::string_view line) {
  const auto words = split_words(line);
  if (!words || words->empty()) return {};
  const auto [command, name_size] = docs.match(*words);
  if (command == nullptr) return {};
  const std::string missing = take_all(command->arguments, Words(*words).subspan(name_size)).missing;
  if (missing.empty()) return {};
  return line.ends_with(' ') ? missing : " " + missing;
}

}  // namespace ashlar::cli
