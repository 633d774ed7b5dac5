#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/arg_parser.h"
#include "commands/generic/parts.h"

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

/// Reads BY or GET; patterns reach into keys that the cluster may keep elsewhere.
void read_pattern(ArgParser& in, std::string_view option, ServerMode mode) {
  const std::string_view pattern = in.text();
  const bool constant = option == "BY" && pattern.find('*') == std::string_view::npos;
  if (mode == ServerMode::kCluster && !constant) {
    in.fail_with({ErrorCode::kGeneric, std::string(option) + " option of SORT denied in cluster mode."});
  }
}

/// What the options say about the result.
struct SortOptions {
  bool stores = false;
};

Result<SortOptions> parse_options(const Context& ctx, ServerMode mode) {
  SortOptions options;
  ArgParser in(ctx.args, 2);
  while (in.more()) {
    if (in.take("ASC") || in.take("DESC") || in.take("ALPHA")) continue;
    if (in.left() >= 3 && in.take("LIMIT")) {
      (void)in.integer();
      (void)in.integer();
    } else if (ctx.spec.is(Flag::kWrite) && in.left() >= 2 && in.take("STORE")) {
      (void)in.text();
      options.stores = true;
    } else if (in.left() >= 2 && in.take("BY")) {
      read_pattern(in, "BY", mode);
    } else if (in.left() >= 2 && in.take("GET")) {
      read_pattern(in, "GET", mode);
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  return options;
}

}  // namespace

void GenericCommands::sort(Context& ctx) {
  const auto options = parse_options(ctx, mode_);
  if (!options) return ctx.error(options.error());
  // Strings are the only values there are, and none of them can be sorted.
  if (ctx.db.find(ctx.keys[0], ctx.read_access()) != nullptr) return ctx.error(ErrorCode::kWrongType);
  if (!options->stores) return ctx.reply.array(0);
  if (ctx.keys.size() > 1 && ctx.db.erase(ctx.keys[1])) {
    ctx.effects.changed();
    ctx.effects.instead({"DEL", ctx.keys[1].text});
  }
  ctx.reply.integer(0);
}

void register_sort(CommandTable& table, GenericCommands& commands) {
  table.add(kSort, Handler::bind<&GenericCommands::sort>(commands));
  table.add(kSortRo, Handler::bind<&GenericCommands::sort>(commands));
}

}  // namespace ashlar::commands
