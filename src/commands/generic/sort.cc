#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/arg_parser.h"
#include "commands/generic/parts.h"
#include "commands/generic/sort_run.h"
#include "keyspace/values/list.h"

namespace ashlar::commands {

using namespace command;

namespace {

/// The key of SORT and the destination of the last STORE: where it stands depends on the options before it.
void find_sort_keys(std::span<const std::string_view> args, std::vector<KeyPosition>& out) {
  if (args.size() < 2) return;
  out.push_back({1, KeyAccess::kRO, KeyAction::kAccess});
  std::uint32_t store = 0;
  for (std::size_t i = 2; i < args.size(); ++i) {
    if (iequals(args[i], "LIMIT")) {
      i += 2;
    } else if (iequals(args[i], "GET") || iequals(args[i], "BY")) {
      i += 1;
    } else if (iequals(args[i], "STORE") && i + 1 < args.size()) {
      store = static_cast<std::uint32_t>(++i);
    }
  }
  if (store != 0) out.push_back({store, KeyAccess::kOW, KeyAction::kUpdate});
}

constexpr Category kSortCategories = Category::kSet | Category::kSortedSet | Category::kList | Category::kDangerous;

constexpr CommandSpec kSort{
    .name = "sort",
    .arity = at_least(2),
    .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
    .group = Group::kGeneric,
    .categories = kSortCategories,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess), unknown_keys(KeyAccess::kRO, KeyAction::kAccess),
             unknown_keys(KeyAccess::kOW, KeyAction::kUpdate)},
    .since = "1.0.0",
    .complexity = "O(N+M*log(M)) where N is the number of elements and M the number of those returned.",
    .summary = "Sorts the elements of a list, set or sorted set; replies with them or stores them.",
    .syntax =
        "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] "
        "[STORE destination]",
    .extractor = &find_sort_keys};
constexpr CommandSpec kSortRo{
    .name = "sort_ro",
    .arity = at_least(2),
    .flags = Flag::kReadOnly | Flag::kMovableKeys,
    .group = Group::kGeneric,
    .categories = kSortCategories,
    .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess), unknown_keys(KeyAccess::kRO, KeyAction::kAccess)},
    .since = "7.0.0",
    .complexity = "O(N+M*log(M)) where N is the number of elements and M the number of those returned.",
    .summary = "Sorts the elements of a list, set or sorted set and replies with them.",
    .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]"};

/// Reads the pattern of BY or GET. Patterns reach into keys that the cluster may keep elsewhere.
std::string_view read_pattern(ArgParser& in, std::string_view option, ServerMode mode) {
  const std::string_view pattern = in.text();
  const bool constant = option == "BY" && pattern.find('*') == std::string_view::npos;
  if (mode == ServerMode::kCluster && !constant) {
    in.fail_with({ErrorCode::kGeneric, std::string(option) + " option of SORT denied in Cluster mode."});
  }
  return pattern;
}

Result<SortOptions> parse_options(const Context& ctx, ServerMode mode) {
  SortOptions options;
  ArgParser in(ctx.args, 2);
  while (in.more()) {
    if (in.take("ASC")) {
      options.order = SortOptions::Order::kAscending;
    } else if (in.take("DESC")) {
      options.order = SortOptions::Order::kDescending;
    } else if (in.take("ALPHA")) {
      options.compare = SortOptions::Compare::kTexts;
    } else if (in.left() >= 3 && in.take("LIMIT")) {
      options.offset = in.integer();
      options.count = in.integer();
    } else if (ctx.spec.is(Flag::kWrite) && in.left() >= 2 && in.take("STORE")) {
      (void)in.text();
      options.stores = true;
    } else if (in.left() >= 2 && in.take("BY")) {
      const std::string_view pattern = read_pattern(in, "BY", mode);
      if (pattern.find('*') == std::string_view::npos) {
        options.sorted = false;  // stays so, whatever other BY there is
      } else {
        options.by = pattern;
      }
    } else if (in.left() >= 2 && in.take("GET")) {
      options.gets.push_back(read_pattern(in, "GET", mode));
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

void reply_fields(Context& ctx, const std::vector<SortedField>& fields) {
  ctx.reply.array(fields.size());
  for (const SortedField& field : fields) field ? ctx.reply.bulk(*field) : ctx.reply.null();
}

void store_fields(Context& ctx, const KeyRef& key, const std::vector<SortedField>& fields) {
  if (fields.empty()) {
    if (ctx.db.erase(key)) {
      ctx.effects.changed();
      ctx.effects.instead({"DEL", key.text});
      ctx.notify(EventClass::kGeneric, "del", key);
    }
    return ctx.reply.integer(0);
  }
  keyspace::OwnedValue value{keyspace::Owned<keyspace::List>(new keyspace::List())};
  auto& list = *std::get<keyspace::Owned<keyspace::List>>(value.data);
  for (const SortedField& field : fields) {
    list.push(keyspace::ListEnd::kRight, field ? std::string_view(*field) : std::string_view(), ctx.limits());
  }
  ctx.db.put(key, std::move(value), std::nullopt);
  ctx.effects.changed(fields.size());
  ctx.notify(EventClass::kList, "sortstore", key);
  ctx.reply.integer(static_cast<std::int64_t>(fields.size()));
}

}  // namespace

void GenericCommands::sort(Context& ctx) {
  const auto options = parse_options(ctx, mode_);
  if (!options) return ctx.error(options.error());
  const auto fields = run_sort(ctx, ctx.db.find(ctx.keys[0], ctx.read_access()), *options);
  if (!fields) return ctx.error(fields.error());
  options->stores ? store_fields(ctx, ctx.keys.back(), *fields) : reply_fields(ctx, *fields);
}

void register_sort(CommandTable& table, GenericCommands& commands) {
  table.add(kSort, Handler::bind<&GenericCommands::sort>(commands));
  table.add(kSortRo, Handler::bind<&GenericCommands::sort>(commands));
}

}  // namespace ashlar::commands
