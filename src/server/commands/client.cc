#include "server/commands/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "base/bytes.h"
#include "server/client.h"
#include "server/commands/client_filter.h"
#include "server/commands/client_line.h"
#include "server/commands/connection.h"

namespace ashlar::server {

using command::Context;
using command::ReplyMode;

namespace {

/// Reads ON or OFF; replies a syntax error otherwise.
std::optional<bool> on_or_off(Context& ctx) {
  if (iequals(ctx.args[2], "on")) return true;
  if (iequals(ctx.args[2], "off")) return false;
  ctx.error(ErrorCode::kSyntax);
  return std::nullopt;
}

void too_many_words(Context& ctx) {
  ctx.error(fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try CLIENT HELP.", ctx.args[1]));
}

/// The connection that asks; replies an error for a stream without one.
Client* asking_client(Context& ctx) {
  Client* client = client_of(ctx.session);
  if (client == nullptr) ctx.error("This command needs a connection");
  return client;
}

}  // namespace

/// Lines of all loops, by client id. Shared by the loops that a CLIENT LIST visits; the last one to let go frees it.
struct ClientCommands::Lines {
  Mutex mutex;
  std::map<std::uint64_t, std::string> by_id ASH_GUARDED_BY(mutex);
};

/// Those who have left the loops.
void ClientCommands::add_links(const ClientFilter& filter, MonoTime now, Lines& lines) const {
  using Kind = ClientFilter::Kind;
  MutexLock lock(lines.mutex);
  for (const Kind kind : {Kind::kReplica, Kind::kPrimary}) {
    for (const replication::LinkFacts& link : parts_.links(kind)) {
      if (filter.matches(link, kind)) lines.by_id.emplace(link.id.value, link_line(link, kind, now));
    }
  }
}

void ClientCommands::id(Context& ctx) { ctx.reply.integer(static_cast<std::int64_t>(ctx.session.id.value)); }

void ClientCommands::capa(Context& ctx) {
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  for (const std::string_view word : ctx.args.subspan(2)) {  // those that we do not know are of later times
    if (iequals(word, "redirect")) client->follows_redirects = true;
  }
  ctx.reply.ok();
}

void ClientCommands::import_source(Context& ctx) {
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  if (!parts_.gates.closed(Gate::kImporting) && !iequals(ctx.args[2], "off")) {
    return ctx.error("Server is not in import mode");
  }
  const auto on = on_or_off(ctx);
  if (!on) return;
  client->import_source = *on;
  ctx.reply.ok();
}

void ClientCommands::getname(Context& ctx) {
  ctx.session.name.empty() ? ctx.reply.null() : ctx.reply.bulk(ctx.session.name);
}

void ClientCommands::setname(Context& ctx) {
  if (!valid_client_name(ctx.args[2])) {
    return ctx.error("Client names cannot contain spaces, newlines or special characters.");
  }
  ctx.session.name = ctx.args[2];
  ctx.reply.ok();
}

void ClientCommands::setinfo(Context& ctx) {
  const std::string attribute = to_lower(ctx.args[2]);
  std::string* place = nullptr;
  if (attribute == "lib-name") place = &ctx.session.library_name;
  if (attribute == "lib-ver") place = &ctx.session.library_version;
  if (place == nullptr) return ctx.error(fmt::format("Unrecognized option '{}'", ctx.args[2]));
  if (!valid_client_name(ctx.args[3])) {
    return ctx.error(fmt::format("{} cannot contain spaces, newlines or special characters.", attribute));
  }
  *place = ctx.args[3];
  ctx.reply.ok();
}

void ClientCommands::info(Context& ctx) {
  if (Client* client = asking_client(ctx)) {
    ctx.reply.verbatim("txt", client_line(*client, client->worker().loop().now()) + "\n");
  }
}

void ClientCommands::list(Context& ctx) {
  auto filter = parse_list_filter(ctx.args.subspan(2));
  if (!filter) return ctx.error(filter.error());
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  auto lines = std::make_shared<Lines>();
  if (filter->matches(*client)) {  // now, while its command stands in its buffer
    MutexLock lock(lines->mutex);
    lines->by_id.emplace(client->id.value, client_line(*client, client->worker().loop().now()));
  }
  parts_.workers.gather(
      *client,
      [lines, filter = *filter](Worker& worker) {
        const MonoTime now = worker.loop().now();
        MutexLock lock(lines->mutex);
        worker.for_each_client([&](Client& other) {
          if (filter.matches(other)) lines->by_id.emplace(other.id.value, client_line(other, now));
        });
      },
      [this, lines, filter = *filter](Client& waiting) {
        add_links(filter, waiting.worker().loop().now(), *lines);
        std::string text;
        MutexLock lock(lines->mutex);
        for (const auto& [id, line] : lines->by_id) text += line + "\n";
        waiting.reply().verbatim("txt", text);
      });
}

void ClientCommands::kill(Context& ctx) {
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  const bool old_form = ctx.args.size() == 3;
  ClientFilter filter;
  if (old_form) {
    filter.address = ctx.args[2];
  } else {
    auto parsed = parse_kill_filter(ctx.args.subspan(2), client->id, parts_.users);
    if (!parsed) return ctx.error(parsed.error());
    filter = std::move(*parsed);
  }
  // Counted by all loops; the last one to let go frees it.
  auto killed = std::make_shared<std::atomic<std::int64_t>>(0);
  std::function<void(std::function<void()>)> besides;
  using Kind = ClientFilter::Kind;
  if (!filter.kind || *filter.kind == Kind::kReplica || *filter.kind == Kind::kPrimary) {
    besides = [this, killed, filter](std::function<void()> end) {
      const auto end_those = [this, killed, filter](Kind kind, std::function<void()> next) {
        parts_.end_links(
            kind, [filter, kind](const replication::LinkFacts& link) { return filter.matches(link, kind); },
            [killed, next = std::move(next)](std::size_t count) {
              killed->fetch_add(static_cast<std::int64_t>(count));
              next();
            });
      };
      end_those(Kind::kReplica, [end_those, end = std::move(end)] { end_those(Kind::kPrimary, end); });
    };
  }
  parts_.workers.gather(
      *client,
      [killed, filter = std::move(filter), caller = client->id](Worker& worker) {
        worker.for_each_client([&](Client& other) {
          if (!filter.matches(other)) return;
          killed->fetch_add(1);
          other.id == caller ? other.close_after_reply() : worker.close(other);
        });
      },
      [killed, old_form](Client& waiting) {
        const std::int64_t count = killed->load();
        if (!old_form) return waiting.reply().integer(count);
        count > 0 ? waiting.reply().ok() : waiting.reply().error({ErrorCode::kGeneric, "No such client"});
      },
      besides);
}

void ClientCommands::reply(Context& ctx) {
  ReplyMode& mode = ctx.session.reply_mode;
  if (iequals(ctx.args[2], "on")) {
    mode = ReplyMode::kOn;
    ctx.reply.ok();
  } else if (iequals(ctx.args[2], "off")) {
    mode = ReplyMode::kOff;
  } else if (iequals(ctx.args[2], "skip")) {
    if (mode != ReplyMode::kOff) mode = ReplyMode::kSkipNext;
  } else {
    ctx.error(ErrorCode::kSyntax);
  }
}

void ClientCommands::no_evict(Context& ctx) {
  const auto on = on_or_off(ctx);
  if (!on) return;
  ctx.session.no_evict = *on;
  ctx.reply.ok();
}

void ClientCommands::no_touch(Context& ctx) {
  const auto on = on_or_off(ctx);
  if (!on) return;
  ctx.session.no_touch = *on;
  ctx.reply.ok();
}

void ClientCommands::pause(Context& ctx) {
  auto scope = ClientPause::Scope::kAll;
  if (ctx.args.size() > 4) return too_many_words(ctx);
  if (ctx.args.size() == 4) {
    if (iequals(ctx.args[3], "write")) {
      scope = ClientPause::Scope::kWrites;
    } else if (!iequals(ctx.args[3], "all")) {
      return ctx.error("CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  constexpr std::int64_t kLongest = 1'000'000'000'000;  // milliseconds: about 30 years, far from any overflow
  const auto timeout = parse_i64(ctx.args[2]);
  if (!timeout || *timeout > kLongest) return ctx.error("timeout is not an integer or out of range");
  if (*timeout < 0) return ctx.error("timeout is negative");
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  parts_.pause.pause(ClientPause::Holder::kUser, scope, client->worker().loop().now() + Millis(*timeout));
  ctx.reply.ok();
}

void ClientCommands::unpause(Context& ctx) {
  parts_.pause.unpause(ClientPause::Holder::kUser);
  ctx.reply.ok();
}

void ClientCommands::unblock(Context& ctx) {
  if (ctx.args.size() > 4) return too_many_words(ctx);
  if (ctx.args.size() == 4 && !iequals(ctx.args[3], "timeout") && !iequals(ctx.args[3], "error")) {
    return ctx.error("CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const auto id = parse_i64(ctx.args[2]);
  if (!id) return ctx.error(ErrorCode::kNotInteger);
  const bool by_error = ctx.args.size() == 4 && iequals(ctx.args[3], "error");
  const auto how = by_error ? Worker::WaitEnd::kUnblockedByError : Worker::WaitEnd::kTimeout;
  Client* client = asking_client(ctx);
  if (client == nullptr) return;
  // Set by the loop that has the client; the last one to let go frees it.
  auto unblocked = std::make_shared<std::atomic<bool>>(false);
  parts_.workers.gather(
      *client,
      [unblocked, how, target = ClientId{static_cast<std::uint64_t>(*id)}](Worker& worker) {
        Client* waiting = worker.find(target);
        if (waiting != nullptr && worker.end_wait(*waiting, how) == Worker::Ended::kYes) unblocked->store(true);
      },
      [unblocked](Client& waiting) { waiting.reply().integer(unblocked->load() ? 1 : 0); },
      [this, unblocked, how, target = ClientId{static_cast<std::uint64_t>(*id)}](std::function<void()> end) {
        parts_.end_keep_wait(target, how, [unblocked, end = std::move(end)](bool ended) {
          if (ended) unblocked->store(true);
          end();
        });
      });
}

}  // namespace ashlar::server
