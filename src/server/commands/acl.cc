#include "server/commands/acl.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/rng.h"
#include "command/names.h"
#include "server/acl/describe.h"
#include "server/acl/gatekeeper.h"
#include "server/commands/acl_specs.h"
#include "server/dispatcher.h"

namespace ashlar::server {

using command::Command;
using command::Context;
using command::Handler;

namespace {

constexpr std::string_view kNoFile =
    "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    "users in the Redis configuration.";

/// For subcommands that take one word more or not: two more are like no subcommand at all.
void unlike_any(Context& ctx) {
  ctx.error(fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try ACL HELP.",
                        ctx.args[1].substr(0, 128)));
}

void reply_selector(resp::Encoder& out, const acl::Selector& selector) {
  out.bulk("commands");
  out.bulk(acl::command_text(selector));
  out.bulk("keys");
  out.bulk(acl::keys_text(selector));
  out.bulk("channels");
  out.bulk(acl::channels_text(selector));
}

std::string_view reason_word(command::Denial::Reason reason) {
  switch (reason) {
    case command::Denial::Reason::kCommand: return "command";
    case command::Denial::Reason::kKey: return "key";
    case command::Denial::Reason::kChannel: return "channel";
    case command::Denial::Reason::kAuth: return "auth";
  }
  return "unknown";
}

std::string_view where_word(command::Permissions::Where where) {
  switch (where) {
    case command::Permissions::Where::kTopLevel: return "toplevel";
    case command::Permissions::Where::kTransaction:
    case command::Permissions::Where::kExec: return "multi";
    case command::Permissions::Where::kScript: return "lua";
  }
  return "unknown";
}

void reply_entry(Context& ctx, const acl::DenialLog::Entry& entry) {
  resp::Encoder& out = ctx.reply;
  const auto text = [&](std::string_view name, std::string_view value) {
    out.bulk(name);
    out.bulk(value);
  };
  const auto number = [&](std::string_view name, std::int64_t value) {
    out.bulk(name);
    out.integer(value);
  };
  out.map(10);
  number("count", static_cast<std::int64_t>(entry.count));
  text("reason", reason_word(entry.denial.reason));
  text("context", where_word(entry.where));
  text("object", entry.denial.object);
  text("username", entry.user);
  out.bulk("age-seconds");
  out.number(static_cast<double>(unix_millis(ctx.now()) - unix_millis(entry.updated)) / 1000);
  text("client-info", entry.client);
  number("entry-id", static_cast<std::int64_t>(entry.id));
  number("timestamp-created", unix_millis(entry.created));
  number("timestamp-last-updated", unix_millis(entry.updated));
}

}  // namespace

void AclCommands::cat(Context& ctx) {
  if (ctx.args.size() > 3) return unlike_any(ctx);
  const auto all = command::all_category_names();
  if (ctx.args.size() == 2) {
    ctx.reply.array(all.size());
    for (const std::string_view name : all) ctx.reply.bulk(name);
    return;
  }
  const std::string wanted = to_lower(ctx.args[2]);
  if (std::ranges::find(all, wanted) == all.end()) {
    return ctx.error(fmt::format("Unknown category '{}'", ctx.args[2].substr(0, 128)));
  }
  const resp::Deferred array = ctx.reply.begin_array();
  std::size_t count = 0;
  for (const auto& command : parts_.table.all()) {
    const auto names = command::category_names(command->spec);
    if (std::ranges::find(names, wanted) == names.end()) continue;
    ctx.reply.bulk(command->spec.name);
    ++count;
  }
  ctx.reply.end(array, count);
}

void AclCommands::setuser(Context& ctx) {
  for (std::size_t i = 2; i < ctx.args.size(); ++i) ctx.effects.redact(i);
  if (auto set = parts_.users.set(ctx.args[2], ctx.args.subspan(3)); !set) return ctx.error(set.error());
  ctx.reply.ok();
}

void AclCommands::deluser(Context& ctx) {
  const auto names = ctx.args.subspan(2);
  for (std::size_t i = 2; i < ctx.args.size(); ++i) ctx.effects.redact(i);
  if (std::ranges::find(names, "default") != names.end()) return ctx.error("The 'default' user cannot be removed");
  ctx.reply.integer(std::ranges::count_if(names, [&](std::string_view name) { return parts_.users.remove(name); }));
}

void AclCommands::getuser(Context& ctx) {
  ctx.effects.redact(2);
  const auto user = parts_.users.find(ctx.args[2]);
  if (user == nullptr) return ctx.reply.null();
  const acl::UserRules& rules = user->rules();
  resp::Encoder& out = ctx.reply;
  out.map(6);
  out.bulk("flags");
  const auto flags = acl::flag_words(rules);
  out.set(flags.size());
  for (const std::string_view flag : flags) out.bulk(flag);
  out.bulk("passwords");
  out.array(rules.passwords.size());
  for (const std::string& password : rules.passwords) out.bulk(password);
  reply_selector(out, rules.root);
  out.bulk("selectors");
  out.array(rules.selectors.size());
  for (const acl::Selector& selector : rules.selectors) {
    out.map(3);
    reply_selector(out, selector);
  }
}

void AclCommands::list(Context& ctx) {
  const auto users = parts_.users.all();
  ctx.reply.array(users.size());
  for (const auto& user : users) ctx.reply.bulk(fmt::format("user {} {}", user->name(), acl::user_text(user->rules())));
}

void AclCommands::users(Context& ctx) {
  const auto users = parts_.users.all();
  ctx.reply.array(users.size());
  for (const auto& user : users) ctx.reply.bulk(user->name());
}

void AclCommands::whoami(Context& ctx) { ctx.reply.bulk(ctx.session.user_name()); }

void AclCommands::genpass(Context& ctx) {
  constexpr std::int64_t kBitsMax = 4096;
  std::int64_t bits = 256;
  if (ctx.args.size() > 3) return unlike_any(ctx);
  if (ctx.args.size() == 3) {
    const auto wanted = parse_i64(ctx.args[2]);
    if (!wanted) return ctx.error(ErrorCode::kNotInteger);
    bits = *wanted;
  }
  if (bits <= 0 || bits > kBitsMax) {
    return ctx.error(
        fmt::format("ACL GENPASS argument must be the number of bits for the output password, a positive number up to "
                    "{}",
                    kBitsMax));
  }
  const auto digits = static_cast<std::size_t>((bits + 3) / 4);
  std::string random((digits + 1) / 2, '\0');
  secure_random(std::as_writable_bytes(std::span(random)));
  ctx.reply.bulk(hex_text(random).substr(0, digits));
}

std::optional<std::string> AclCommands::file(Context& ctx) const {
  const auto config = parts_.config.get();
  if (!config->security.acl_file.empty()) return config->security.acl_file;
  ctx.error(std::string(kNoFile));
  return std::nullopt;
}

void AclCommands::load(Context& ctx) {
  const auto path = file(ctx);
  if (!path) return;
  if (auto loaded = parts_.users.load_file(parts_.files, *path); !loaded) return ctx.error(loaded.error());
  ctx.reply.ok();
}

void AclCommands::save(Context& ctx) {
  const auto path = file(ctx);
  if (!path) return;
  if (const auto written = write_file_durably(parts_.files, *path, parts_.users.text()); !written) {
    log::warning("ACL SAVE: {}", written.error().text());
    return ctx.error("There was an error trying to save the ACLs. Please check the server logs for more information");
  }
  ctx.reply.ok();
}

void AclCommands::log(Context& ctx) {
  std::size_t count = 10;
  if (ctx.args.size() > 3) return unlike_any(ctx);
  if (ctx.args.size() == 3) {
    if (iequals(ctx.args[2], "RESET")) {
      parts_.log.reset();
      return ctx.reply.ok();
    }
    const auto wanted = parse_i64(ctx.args[2]);
    if (!wanted) return ctx.error(ErrorCode::kNotInteger);
    count = static_cast<std::size_t>(std::max<std::int64_t>(*wanted, 0));
  }
  const auto entries = parts_.log.newest(count);
  ctx.reply.array(entries.size());
  for (const acl::DenialLog::Entry& entry : entries) reply_entry(ctx, entry);
}

void AclCommands::dryrun(Context& ctx) {
  const auto user = parts_.users.find(ctx.args[2]);
  if (user == nullptr) return ctx.error(fmt::format("User '{}' not found", ctx.args[2]));
  const auto words = ctx.args.subspan(3);
  const Command* command = parts_.table.find(words[0]);
  if (command != nullptr && !command->subcommands.empty() && words.size() > 1) {
    command = command::CommandTable::find_sub(*command, words[1]);
  }
  if (command == nullptr) return ctx.error(fmt::format("Command '{}' not found", words[0]));
  if (!command->spec.arity.accepts(words.size())) {
    return ctx.error(fmt::format("wrong number of arguments for '{}' command", command->spec.name));
  }
  if (const auto denial = user->check(*command, words)) {
    return ctx.reply.bulk(acl::denial_text(user->name(), *denial));
  }
  ctx.reply.ok();
}

void AclCommands::register_in(command::CommandTable& table) {
  table.add_container(kAcl);
  table.add(kAclCat, Handler::bind<&AclCommands::cat>(*this));
  table.add(kAclDelUser, Handler::bind<&AclCommands::deluser>(*this));
  table.add(kAclDryRun, Handler::bind<&AclCommands::dryrun>(*this));
  table.add(kAclGenPass, Handler::bind<&AclCommands::genpass>(*this));
  table.add(kAclGetUser, Handler::bind<&AclCommands::getuser>(*this));
  table.add(kAclHelp, &acl_help);
  table.add(kAclList, Handler::bind<&AclCommands::list>(*this));
  table.add(kAclLoad, Handler::bind<&AclCommands::load>(*this));
  table.add(kAclLog, Handler::bind<&AclCommands::log>(*this));
  table.add(kAclSave, Handler::bind<&AclCommands::save>(*this));
  table.add(kAclSetUser, Handler::bind<&AclCommands::setuser>(*this));
  table.add(kAclUsers, Handler::bind<&AclCommands::users>(*this));
  table.add(kAclWhoAmI, Handler::bind<&AclCommands::whoami>(*this));
}

}  // namespace ashlar::server
