#include "server/commands/command_reply.h"

#include <algorithm>

#include "command/keys.h"
#include "command/names.h"
#include "command/syntax.h"

namespace ashlar::server {

using command::Argument;
using command::Command;
using command::CommandSpec;
using command::KeySpec;

namespace {

std::vector<std::string_view> split_tips(std::string_view tips) {
  std::vector<std::string_view> out;
  while (!tips.empty()) {
    const std::size_t end = std::min(tips.find(','), tips.size());
    out.push_back(tips.substr(0, end));
    tips.remove_prefix(std::min(end + 1, tips.size()));
  }
  return out;
}

std::size_t key_spec_count(const CommandSpec& spec) {
  return static_cast<std::size_t>(
      std::ranges::count_if(spec.keys, [](const KeySpec& keys) { return keys.begin != KeySpec::Begin::kNone; }));
}

void pair(resp::Encoder& reply, std::string_view name, std::int64_t value) {
  reply.bulk(name);
  reply.integer(value);
}
void pair(resp::Encoder& reply, std::string_view name, std::string_view value) {
  reply.bulk(name);
  reply.bulk(value);
}

void reply_begin_search(resp::Encoder& reply, const KeySpec& keys) {
  reply.bulk("begin_search");
  reply.map(2);
  switch (keys.begin) {
    case KeySpec::Begin::kIndex:
      pair(reply, "type", "index");
      reply.bulk("spec");
      reply.map(1);
      pair(reply, "index", keys.index);
      break;
    case KeySpec::Begin::kKeyword:
      pair(reply, "type", "keyword");
      reply.bulk("spec");
      reply.map(2);
      pair(reply, "keyword", keys.keyword);
      pair(reply, "startfrom", keys.index);
      break;
    case KeySpec::Begin::kNone:
    case KeySpec::Begin::kUnknown:
      pair(reply, "type", "unknown");
      reply.bulk("spec");
      reply.map(0);
      break;
  }
}

void reply_find_keys(resp::Encoder& reply, const KeySpec& keys) {
  reply.bulk("find_keys");
  reply.map(2);
  switch (keys.find) {
    case KeySpec::Find::kRange:
      pair(reply, "type", "range");
      reply.bulk("spec");
      reply.map(3);
      pair(reply, "lastkey", keys.last);
      pair(reply, "keystep", keys.step);
      pair(reply, "limit", keys.limit);
      break;
    case KeySpec::Find::kKeyNum:
      pair(reply, "type", "keynum");
      reply.bulk("spec");
      reply.map(3);
      pair(reply, "keynumidx", keys.keynum_index);
      pair(reply, "firstkey", keys.first_key);
      pair(reply, "keystep", keys.step);
      break;
    case KeySpec::Find::kUnknown:
      pair(reply, "type", "unknown");
      reply.bulk("spec");
      reply.map(0);
      break;
  }
}

void reply_key_specs(resp::Encoder& reply, const CommandSpec& spec) {
  reply.set(key_spec_count(spec));
  for (const KeySpec& keys : spec.keys) {
    if (keys.begin == KeySpec::Begin::kNone) continue;
    reply.map(3);
    reply.bulk("flags");
    reply_words(reply, command::key_flag_names(keys.access, keys.action));
    reply_begin_search(reply, keys);
    reply_find_keys(reply, keys);
  }
}

/// Replies arguments; `next_key_spec` counts the arguments that are keys, which come in the order of the key specs.
void reply_arguments(resp::Encoder& reply, std::span<const Argument> arguments, std::size_t key_specs,
                     std::size_t& next_key_spec) {
  reply.array(arguments.size());
  for (const Argument& a : arguments) {
    const bool is_key = a.type == Argument::Type::kKey && key_specs > 0;
    const bool flags = a.optional || a.multiple || a.multiple_token;
    reply.map(2U + (is_key ? 1U : 0U) + (a.has_token ? 1U : 0U) + (flags ? 1U : 0U) + (a.parts.empty() ? 0U : 1U));
    pair(reply, "name", a.name);
    pair(reply, "type", a.type == Argument::Type::kKey && !is_key ? "string" : command::type_name(a.type));
    if (is_key) {
      pair(reply, "key_spec_index", static_cast<std::int64_t>(std::min(next_key_spec, key_specs - 1)));
      ++next_key_spec;
    }
    if (a.has_token) pair(reply, "token", a.token);
    if (flags) {
      reply.bulk("flags");
      std::vector<std::string_view> names;
      if (a.optional) names.emplace_back("optional");
      if (a.multiple) names.emplace_back("multiple");
      if (a.multiple_token) names.emplace_back("multiple_token");
      reply_words(reply, names);
    }
    if (!a.parts.empty()) {
      reply.bulk("arguments");
      reply_arguments(reply, a.parts, key_specs, next_key_spec);
    }
  }
}

}  // namespace

void reply_words(resp::Encoder& reply, std::span<const std::string_view> words, std::string_view prefix) {
  reply.set(words.size());
  for (const std::string_view word : words) {
    prefix.empty() ? reply.simple(word) : reply.simple(std::string(prefix) + std::string(word));
  }
}

void reply_command_info(resp::Encoder& reply, const Command& command) {
  const CommandSpec& spec = command.spec;
  const command::LegacyRange range = command::legacy_range(spec);
  reply.array(10);
  reply.bulk(spec.name);
  reply.integer(spec.arity.wire());
  reply_words(reply, command::flag_names(spec));
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  reply_words(reply, command::category_names(spec), "@");
  const auto tips = split_tips(spec.tips);
  reply.set(tips.size());
  for (const std::string_view tip : tips) reply.bulk(tip);
  reply_key_specs(reply, spec);
  reply.set(command.subcommands.size());
  for (const Command* sub : command.subcommands) reply_command_info(reply, *sub);
}

void reply_command_docs(resp::Encoder& reply, const Command& command) {
  const CommandSpec& spec = command.spec;
  const auto arguments = command::parse_syntax(spec.syntax);
  const bool has_arguments = arguments && !arguments->empty();
  const bool deprecated = !spec.deprecated_since.empty();
  reply.bulk(spec.name);
  reply.map(4U + (deprecated ? 2U : 0U) + (spec.replaced_by.empty() ? 0U : 1U) + (has_arguments ? 1U : 0U) +
            (command.subcommands.empty() ? 0U : 1U));
  pair(reply, "summary", spec.summary);
  pair(reply, "since", spec.since);
  pair(reply, "group", command::group_name(spec.group));
  pair(reply, "complexity", spec.complexity);
  if (deprecated) {
    reply.bulk("doc_flags");
    static constexpr std::string_view kFlags[] = {"deprecated"};
    reply_words(reply, kFlags);
    pair(reply, "deprecated_since", spec.deprecated_since);
  }
  if (!spec.replaced_by.empty()) pair(reply, "replaced_by", spec.replaced_by);
  if (has_arguments) {
    reply.bulk("arguments");
    std::size_t next_key_spec = 0;
    reply_arguments(reply, *arguments, key_spec_count(spec), next_key_spec);
  }
  if (!command.subcommands.empty()) {
    reply.bulk("subcommands");
    reply.map(command.subcommands.size());
    for (const Command* sub : command.subcommands) reply_command_docs(reply, *sub);
  }
}

}  // namespace ashlar::server
