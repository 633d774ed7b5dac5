#include "cli/command_docs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/options.h"

namespace ashlar::cli {

using resp::Value;

namespace {

/// Calls `use(key, value)` for the pairs of a map or of a flat array.
template <typename Use>
void each_pair(const Value& pairs, Use use) {
  const Value::Items& items = pairs.items();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) use(items[i], items[i + 1]);
}

std::string upper_words(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == '|') c = ' ';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

ArgumentDoc::Kind kind_of(std::string_view type) {
  if (type == "pure-token") return ArgumentDoc::Kind::kPureToken;
  if (type == "oneof") return ArgumentDoc::Kind::kOneOf;
  if (type == "block") return ArgumentDoc::Kind::kBlock;
  return ArgumentDoc::Kind::kPlain;
}

void read_flags(const Value& flags, ArgumentDoc& out) {
  for (const Value& flag : flags.items()) {
    if (flag.text() == "optional") out.optional = true;
    if (flag.text() == "multiple") out.multiple = true;
    if (flag.text() == "multiple_token") out.multiple_token = true;
  }
}

ArgumentDoc read_argument(const Value& docs) {
  ArgumentDoc out;
  std::string display;
  each_pair(docs, [&](const Value& key, const Value& value) {
    if (key.text() == "name") out.name = value.text();
    if (key.text() == "display_text") display = value.text();
    if (key.text() == "type") out.kind = kind_of(value.text());
    if (key.text() == "flags") read_flags(value, out);
    if (key.text() == "token") {
      out.token = value.text();
      out.has_token = true;
    }
    if (key.text() == "arguments") {
      for (const Value& part : value.items()) out.parts.push_back(read_argument(part));
    }
  });
  if (!display.empty()) out.name = std::move(display);
  return out;
}

std::string join(std::span<const ArgumentDoc> arguments, std::string_view separator);

std::string render_argument(const ArgumentDoc& a) {
  std::string text;
  switch (a.kind) {
    case ArgumentDoc::Kind::kPlain: text = a.name; break;
    case ArgumentDoc::Kind::kOneOf: text = join(a.parts, "|"); break;
    case ArgumentDoc::Kind::kBlock: text = join(a.parts, " "); break;
    case ArgumentDoc::Kind::kPureToken: break;
  }
  const std::string token = a.token.empty() ? "\"\"" : a.token;
  if (a.multiple) {
    const std::string again = a.multiple_token ? fmt::format("{} {}", token, text) : text;
    text = fmt::format("{} [{} ...]", text, again);
  }
  if (a.has_token) text = text.empty() ? token : fmt::format("{} {}", token, text);
  return a.optional ? fmt::format("[{}]", text) : text;
}

std::string join(std::span<const ArgumentDoc> arguments, std::string_view separator) {
  std::string out;
  for (const ArgumentDoc& a : arguments) {
    if (!out.empty()) out += separator;
    out += render_argument(a);
  }
  return out;
}

std::vector<std::string_view> name_words(std::string_view name) {
  std::vector<std::string_view> words;
  for (std::size_t end = name.find(' '); end != std::string_view::npos; end = name.find(' ')) {
    words.push_back(name.substr(0, end));
    name.remove_prefix(end + 1);
  }
  words.push_back(name);
  return words;
}

/// How many words two lists have in common at their beginnings.
std::size_t common_words(std::span<const std::string_view> name, std::span<const std::string> words) {
  std::size_t n = 0;
  while (n < name.size() && n < words.size() && iequals(name[n], words[n])) ++n;
  return n;
}

enum class ShowGroup : std::uint8_t { kNo, kYes };

std::string describe(const CommandDoc& c, ShowGroup show_group) {
  std::string out = fmt::format("\r\n  \x1b[1m{}\x1b[0m \x1b[90m{}\x1b[0m\r\n", c.name, render_arguments(c.arguments));
  out += fmt::format("  \x1b[33msummary:\x1b[0m {}\r\n", c.summary);
  out += fmt::format("  \x1b[33msince:\x1b[0m {}\r\n", c.since);
  if (show_group == ShowGroup::kYes) out += fmt::format("  \x1b[33mgroup:\x1b[0m {}\r\n", c.group);
  return out;
}

std::string general_help() {
  return version_text() +
         "\n"
         "  help <command>      what a command does and takes, such as: help set\n"
         "  help @<group>       all commands of a group, such as: help @string\n"
         "  <tab>               completes a command; after \"help \" also a group\n"
         "  <n> <command>       runs a command n times\n"
         "  connect <h> <p>     goes on with another server\n"
         "  clear, quit, exit   empties the screen, leaves\n"
         "  :set hints          shows arguments while you type (:set nohints does not)\n"
         "Preferences such as \":set nohints\" can stand in ~/.ashlarclirc.\n";
}

}  // namespace

std::string render_arguments(std::span<const ArgumentDoc> arguments) { return join(arguments, " "); }

CommandDocs CommandDocs::from_reply(const Value& reply) {
  CommandDocs docs;
  each_pair(reply, [&](const Value& name, const Value& command) { docs.add(name, command); });
  std::ranges::sort(docs.commands_, {}, &CommandDoc::name);
  std::ranges::sort(docs.groups_);
  const auto repeated = std::ranges::unique(docs.groups_);
  docs.groups_.erase(repeated.begin(), repeated.end());
  return docs;
}

void CommandDocs::add(const Value& name, const Value& docs) {
  if (name.text().empty() || !docs.is_aggregate()) return;
  CommandDoc command;
  command.name = upper_words(name.text());
  each_pair(docs, [&](const Value& key, const Value& value) {
    if (key.text() == "summary") command.summary = value.text();
    if (key.text() == "since") command.since = value.text();
    if (key.text() == "group") command.group = value.text();
    if (key.text() == "arguments") {
      for (const Value& argument : value.items()) command.arguments.push_back(read_argument(argument));
    }
    if (key.text() == "subcommands")
      each_pair(value, [&](const Value& sub_name, const Value& sub_docs) { add(sub_name, sub_docs); });
  });
  if (!command.group.empty()) groups_.push_back(command.group);
  commands_.push_back(std::move(command));
}

std::pair<const CommandDoc*, std::size_t> CommandDocs::match(std::span<const std::string> words) const {
  std::pair<const CommandDoc*, std::size_t> best{nullptr, 0};
  for (const CommandDoc& command : commands_) {
    const auto name = name_words(command.name);
    if (name.size() > best.second && common_words(name, words) == name.size()) best = {&command, name.size()};
  }
  return best;
}

std::vector<std::string> CommandDocs::completions(std::string_view line) const {
  std::size_t start = 0;
  const bool is_help = line.size() >= 5 && iequals(line.substr(0, 5), "help ");
  if (is_help) start = std::min(line.find_first_not_of(' ', 5), line.size());
  const std::string_view typed = line.substr(start);
  const bool lower = std::ranges::any_of(typed, [](char c) { return c >= 'a' && c <= 'z'; });

  std::vector<std::string> out;
  const auto offer = [&](const std::string& candidate) {
    if (candidate.size() < typed.size() || !iequals(std::string_view(candidate).substr(0, typed.size()), typed)) return;
    out.push_back(std::string(line.substr(0, start)) + (lower ? to_lower(candidate) : candidate));
  };
  if (is_help) {
    for (const std::string& group : groups_) offer("@" + group);
  }
  for (const CommandDoc& command : commands_) offer(command.name);
  return out;
}

std::string CommandDocs::help(std::span<const std::string> words) const {
  if (words.empty()) return general_help();
  std::string out;
  if (words[0].starts_with('@')) {
    for (const CommandDoc& command : commands_) {
      if (iequals(command.group, std::string_view(words[0]).substr(1))) out += describe(command, ShowGroup::kNo);
    }
  } else {
    for (const CommandDoc& command : commands_) {
      if (common_words(name_words(command.name), words) == words.size()) out += describe(command, ShowGroup::kYes);
    }
  }
  return out + "\r\n";
}

}  // namespace ashlar::cli
