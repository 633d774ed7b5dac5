#include "server/commands/migrate.h"

#include <fmt/format.h>

#include <array>

#include "base/bytes.h"
#include "command/arg_parser.h"
#include "keyspace/slot_guard.h"
#include "snapshot/dump_payload.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::KeyAccess;
using command::KeyAction;

namespace {

/// One key as argument 3, or, when that is empty, those behind KEYS.
void find_migrate_keys(std::span<const std::string_view> args, std::vector<command::KeyPosition>& out) {
  constexpr auto kAction = KeyAction::kAccess | KeyAction::kDelete;
  if (args.size() > 3 && !args[3].empty()) {
    out.push_back({3, KeyAccess::kRW, kAction});
    return;
  }
  for (std::size_t i = 6; i < args.size(); ++i) {
    if (!iequals(args[i], "KEYS")) continue;
    for (std::size_t k = i + 1; k < args.size(); ++k) {
      out.push_back({static_cast<std::uint32_t>(k), KeyAccess::kRW, kAction});
    }
    return;
  }
}

constexpr CommandSpec kMigrate{
    .name = "migrate",
    .arity = command::at_least(6),
    .flags = Flag::kWrite | Flag::kMovableKeys | Flag::kServesOpenSlot,
    .group = command::Group::kGeneric,
    .categories = command::Category::kKeyspace | command::Category::kDangerous,
    .keys = {command::one_key(3, KeyAccess::kRW, KeyAction::kAccess | KeyAction::kDelete),
             command::KeySpec{.begin = command::KeySpec::Begin::kKeyword,
                              .index = -2,
                              .keyword = "KEYS",
                              .last = -1,
                              .access = KeyAccess::kRW,
                              .action = KeyAction::kAccess | KeyAction::kDelete | KeyAction::kIncomplete}},
    .since = "2.6.0",
    .complexity = "O(N) for DUMP and DEL here and RESTORE there, where N is the size of the values",
    .summary = "Moves keys to another server.",
    .syntax =
        "host port <key | \"\"> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username password] "
        "[KEYS key [key ...]]",
    .tips = "nondeterministic_output",
    .extractor = &find_migrate_keys};

/// Attempts before writes are paused for a key that keeps changing.
constexpr int kFreeAttempts = 3;
constexpr std::int64_t kDefaultTimeoutMs = 1000;

Error io_error(const Error& error) {
  return {ErrorCode::kIoErr, fmt::format("error or timeout reading from target instance: {}", error.text())};
}

}  // namespace

void MigrateCommand::register_in(command::CommandTable& table) {
  table.add(kMigrate, command::Handler::bind<&MigrateCommand::migrate>(*this));
}

Result<MigrateCommand::Job> MigrateCommand::parse(Context& ctx) {
  Job job;
  command::ArgParser in(ctx.args, 6);
  bool keys_word = false;
  while (in.more() && !keys_word) {
    if (in.take("COPY")) {
      job.keep = Keep::kCopy;
    } else if (in.take("REPLACE")) {
      job.existing = Existing::kReplace;
    } else if (in.take("AUTH")) {
      ctx.effects.redact(ctx.args.size() - in.left());
      job.target.password = std::string(in.text());
    } else if (in.take("AUTH2")) {
      ctx.effects.redact(ctx.args.size() - in.left());
      ctx.effects.redact(ctx.args.size() - in.left() + 1);
      job.target.user = in.text();
      job.target.password = std::string(in.text());
    } else if (in.take("KEYS")) {
      if (!ctx.args[3].empty()) {
        return fail("When using MIGRATE KEYS option, the key argument must be set to the empty string");
      }
      keys_word = true;
    } else {
      in.reject();
    }
  }
  if (in.failed()) return std::unexpected(in.error());
  const auto port = parse_i64(ctx.args[2]);
  const auto db = parse_i64(ctx.args[4]);
  const auto timeout = parse_i64(ctx.args[5]);
  if (!port || !db || !timeout) return fail(ErrorCode::kNotInteger);
  if (*port < 1 || *port > 65535 || *db < 0 || *db > 0x7FFFFFFF) return fail(ErrorCode::kNotInteger);
  job.target.endpoint = {std::string(ctx.args[1]), static_cast<std::uint16_t>(*port), {}};
  const Millis patience(*timeout <= 0 ? kDefaultTimeoutMs : *timeout);
  job.target.connect_timeout = patience;
  job.target.read_timeout = patience;
  job.target_db = static_cast<std::uint32_t>(*db);
  job.db = ctx.session.db;
  return job;
}

void MigrateCommand::migrate(Context& ctx) {
  auto job = parse(ctx);
  if (!job) return ctx.error(job.error());
  for (const command::KeyRef& key : ctx.keys) {
    if (ctx.db.find(key, command::Access::kPeek) != nullptr) job->keys.emplace_back(key.text);
  }
  if (job->keys.empty()) return ctx.reply.simple("NOKEY");
  ctx.effects.not_recorded();  // the deletions are recorded when they happen
  thread_.submit([this, job = std::move(*job), complete = ctx.session.defer()] { carry_out(job, complete); });
}

void MigrateCommand::carry_out(const Job& job, const command::Completion& complete) {
  Result<void> moved;
  auto target = cli::Connection::open(job.target);
  if (!target) {
    moved =
        fail(ErrorCode::kIoErr, fmt::format("error or timeout connecting to the client: {}", target.error().text()));
  } else {
    moved = move_all(job, *target);
  }
  complete([moved](resp::Encoder& reply) {
    if (moved) {
      reply.ok();
    } else {
      reply.error(moved.error());
    }
  });
}

keyspace::Db MigrateCommand::open_db(DbIndex db) {
  run_->access.now = parts_.clock.wall();
  run_->access.counters = &run_->counters;
  run_->access.rng = &run_->rng;
  run_->access.removals = &parts_.log;
  run_->access.expiry_role = keyspace::ExpiryRole::kPrimary;
  return {parts_.keyspace, db, run_->access};
}

std::optional<MigrateCommand::Sent> MigrateCommand::read_key(const Job& job, const std::string& key) {
  const keyspace::Batch inside(run_->participant);
  const keyspace::KeyRef ref = parts_.keyspace.ref(key);
  const keyspace::SlotGuard guard(parts_.keyspace, ref.slot);
  const keyspace::Entry* entry = open_db(job.db).find(ref, keyspace::Access::kPeek);
  if (entry == nullptr) return std::nullopt;
  return Sent{key, snapshot::dump_value(*entry), entry->has_expiry() ? entry->expiry_ms() : 0};
}

/// Inside a batch.
bool MigrateCommand::delete_if_unchanged(const Job& job, const Sent& sent) {
  const keyspace::KeyRef ref = parts_.keyspace.ref(sent.key);
  std::optional<keyspace::SlotGuard> guard(std::in_place, parts_.keyspace, ref.slot);
  keyspace::Db db = open_db(job.db);
  const keyspace::Entry* entry = db.find(ref, keyspace::Access::kPeek);
  // Deleted here meanwhile: the copy over there must go too, which only another round can tell.
  if (entry == nullptr) return false;
  const std::int64_t expiry = entry->has_expiry() ? entry->expiry_ms() : 0;
  if (expiry != sent.expiry_ms || snapshot::dump_value(*entry) != sent.payload) return false;
  db.erase(ref);
  keyspace::Counters::bump(run_->counters.changes);
  const std::array<std::string_view, 2> del = {"DEL", sent.key};
  parts_.log.record(job.db, del);
  guard.reset();
  dispatcher_->serve_ready(*run_);
  return true;
}

Result<void> MigrateCommand::send(const std::vector<Sent>& batch, Existing existing, cli::Connection& target) const {
  const std::string_view restore = parts_.mode == Parts::Mode::kCluster ? "RESTORE-ASKING" : "RESTORE";
  for (const Sent& sent : batch) {
    std::vector<std::string> args = {std::string(restore), sent.key, std::to_string(sent.expiry_ms), sent.payload};
    if (existing == Existing::kReplace) args.emplace_back("REPLACE");
    if (sent.expiry_ms != 0) args.emplace_back("ABSTTL");
    target.queue(std::span<const std::string>(args));
  }
  if (auto flushed = target.flush(); !flushed) return std::unexpected(io_error(flushed.error()));
  std::optional<std::string> refused;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto reply = target.receive();
    if (!reply) return std::unexpected(io_error(reply.error()));
    if (auto fine = cli::unless_error(std::move(*reply)); !fine && !refused) refused = std::string(fine.error().text());
  }
  if (refused) return fail("Target instance replied with error: " + *refused);
  return {};
}

Result<void> MigrateCommand::move_all(const Job& job, cli::Connection& target) {
  if (job.target_db != 0) {
    auto selected = cli::unless_error(target.call({"SELECT", std::to_string(job.target_db)}));
    if (!selected) return fail(fmt::format("Target instance replied with error: {}", selected.error().text()));
  }
  std::vector<std::string> left = job.keys;
  Existing existing = job.existing;
  for (int attempt = 0; !left.empty(); ++attempt) {
    const bool paused = attempt >= kFreeAttempts && !parts_.gates.closed(Gate::kWritesPaused);
    if (paused) {
      parts_.gates.close(Gate::kWritesPaused);
      const keyspace::SafePoint::Exclusive quiet(parts_.keyspace.safe_point(), nullptr);
    }
    std::vector<Sent> batch;
    std::vector<std::string> gone;  // deleted here after they were sent once
    for (const std::string& key : left) {
      if (auto sent = read_key(job, key)) {
        batch.push_back(std::move(*sent));
      } else if (attempt > 0) {
        gone.push_back(key);
      }
    }
    Result<void> sent = send(batch, existing, target);
    for (const std::string& key : gone) {
      if (!sent) break;
      if (auto deleted = cli::unless_error(target.call({"DEL", key})); !deleted) {
        sent = std::unexpected(io_error(deleted.error()));
      }
    }
    left.clear();
    if (sent && job.keep == Keep::kMove) {
      for (const Sent& s : batch) {
        const keyspace::Batch inside(run_->participant);
        if (!delete_if_unchanged(job, s)) left.push_back(s.key);
      }
      Dispatcher::deliver(*run_);
    }
    if (paused) {
      parts_.gates.open(Gate::kWritesPaused);
      parts_.workers.broadcast([](Worker& worker) { worker.unpause(); });
    }
    if (!sent) return sent;
    existing = Existing::kReplace;  // what is over there now is ours
  }
  return {};
}

}  // namespace ashlar::server
