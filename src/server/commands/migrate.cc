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
    if (iequals(args[i], "AUTH")) {  // a password may be any word
      i += 1;
      continue;
    }
    if (iequals(args[i], "AUTH2")) {
      i += 2;
      continue;
    }
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
    .flags = Flag::kWrite | Flag::kMovableKeys | Flag::kServesOpenSlot | Flag::kDefers,
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

constexpr std::int64_t kDefaultTimeoutMs = 1000;

/// Connections that are kept, and for how long after their last use. Source: redis.io, MIGRATE.
constexpr std::size_t kLinksMax = 64;
constexpr Seconds kLinkLife{10};

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

std::string MigrateCommand::name_of(const cli::ConnectOptions& target) {
  return fmt::format("{}\n{}\n{}", target.endpoint.text(), target.user, target.password.value_or(""));
}

void MigrateCommand::close_idle(MonoTime now) {
  if (cached_connections() == 0) return;
  thread_.submit([this, now] {
    std::erase_if(links_, [now](const auto& link) { return now - link.second.last_used > kLinkLife; });
    count_links();
  });
}

Result<void> MigrateCommand::move_by(const Job& job, const std::vector<Sent>& batch, Source source) {
  const std::string name = name_of(job.target);
  auto link = links_.extract(name);
  if (source == Source::kNew || link.empty()) {
    cli::ConnectOptions place = job.target;
    place.password.reset();  // AUTH is sent each time
    auto target = cli::Connection::open(place);
    if (!target) {
      return fail(ErrorCode::kIoErr,
                  fmt::format("error or timeout connecting to the client: {}", target.error().text()));
    }
    if (links_.size() >= kLinksMax) links_.erase(links_.begin());
    links_.emplace(name, Link{std::move(*target), std::nullopt, {}});
    link = links_.extract(name);
  }
  link.mapped().connection.set_read_timeout(job.target.read_timeout);
  Result<void> moved = move_all(job, batch, link.mapped());
  if (link.mapped().connection.is_open()) {
    link.mapped().last_used = parts_.clock.mono();
    links_.insert(std::move(link));
  }
  return moved;
}

void MigrateCommand::carry_out(const Job& job, const command::Completion& complete) {
  hold(job);
  const std::vector<Sent> batch = read_all(job);
  Result<void> moved;
  if (!batch.empty()) {
    const bool cached = links_.contains(name_of(job.target));
    moved = move_by(job, batch, cached ? Source::kCached : Source::kNew);
    // The other server may have ended a connection that was kept. What it has taken is no longer here, or is sent
    // again and then refused as a key that exists, which is what Redis says as well.
    if (!moved && cached && moved.error().code == ErrorCode::kIoErr) moved = move_by(job, batch, Source::kNew);
    count_links();
  }
  release();
  complete([moved, any = !batch.empty()](resp::Encoder& reply) {
    if (!moved) {
      reply.error(moved.error());
    } else {
      any ? reply.ok() : reply.simple("NOKEY");
    }
  });
}

void MigrateCommand::hold(const Job& job) {
  const keyspace::SafePoint::Exclusive quiet(parts_.keyspace.safe_point(), nullptr);
  for (const std::string& key : job.keys) parts_.gates.hold(parts_.keyspace.ref(key).slot);
}

void MigrateCommand::release() {
  if (parts_.gates.release_slots()) parts_.workers.broadcast([](Worker& worker) { worker.unpause(); });
}

keyspace::Db MigrateCommand::open_db(DbIndex db) {
  run_->access.now = parts_.clock.wall();
  run_->access.counters = &run_->counters;
  run_->access.rng = &run_->rng;
  run_->access.removals = &run_->removals;
  run_->access.expiry_role = dispatcher_->role();
  run_->access.events = nullptr;
  return {parts_.keyspace, db, run_->access};
}

std::vector<MigrateCommand::Sent> MigrateCommand::read_all(const Job& job) {
  std::vector<Sent> batch;
  for (const std::string& key : job.keys) {
    const keyspace::Batch inside(run_->participant);
    const keyspace::KeyRef ref = parts_.keyspace.ref(key);
    const keyspace::SlotGuard guard(parts_.keyspace, ref.slot);
    const keyspace::Entry* entry = open_db(job.db).find(ref, keyspace::Access::kPeek);
    if (entry == nullptr) continue;
    batch.push_back({key, snapshot::dump_value(*entry), entry->has_expiry() ? entry->expiry_ms() : 0});
  }
  return batch;
}

Result<void> MigrateCommand::erase(const Job& job, const std::string& key) {
  do {
    const keyspace::Batch inside(run_->participant);
    if (parts_.gates.closed(Gate::kReadOnlyReplica)) return fail(ErrorCode::kReadOnly);
    if (parts_.gates.paused()) continue;
    {
      const keyspace::KeyRef ref = parts_.keyspace.ref(key);
      const keyspace::SlotGuard guard(parts_.keyspace, ref.slot);
      // What has expired or was evicted meanwhile is gone already, and so is its record.
      keyspace::Db db = open_db(job.db);
      run_->access.events = dispatcher_->parts().notifications.listener();
      if (db.erase(ref)) {
        db.notify(keyspace::EventClass::kGeneric, "del", ref);
        keyspace::Counters::bump(run_->counters.changes);
        const std::array<std::string_view, 2> del = {"DEL", key};
        parts_.log.record(job.db, del);
      }
    }
    dispatcher_->serve_ready(*run_);
    Dispatcher::deliver(*run_);
    return {};
  } while (wait_for_writes() == Wait::kGoesOn);
  return fail("The server is shutting down");
}

MigrateCommand::Wait MigrateCommand::wait_for_writes() {
  constexpr Micros kPeriod{10'000};
  MutexLock lock(mutex_);
  if (!stopping_) (void)stop_.wait_for(mutex_, kPeriod);
  return stopping_ ? Wait::kEnds : Wait::kGoesOn;
}

MigrateCommand::~MigrateCommand() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
}

Result<std::vector<std::optional<std::string>>> MigrateCommand::send(const Job& job, const std::vector<Sent>& batch,
                                                                     cli::Connection& target) const {
  const std::string_view restore = parts_.mode == Parts::Mode::kCluster ? "RESTORE-ASKING" : "RESTORE";
  for (const Sent& sent : batch) {
    std::vector<std::string> args = {std::string(restore), sent.key, std::to_string(sent.expiry_ms), sent.payload};
    if (job.existing == Existing::kReplace) args.emplace_back("REPLACE");
    if (sent.expiry_ms != 0) args.emplace_back("ABSTTL");
    target.queue(std::span<const std::string>(args));
  }
  if (auto flushed = target.flush(); !flushed) return std::unexpected(io_error(flushed.error()));
  std::vector<std::optional<std::string>> answers;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto reply = target.receive();
    if (!reply) return std::unexpected(io_error(reply.error()));
    const auto fine = cli::unless_error(std::move(*reply));
    answers.push_back(fine ? std::nullopt : std::optional(std::string(fine.error().text())));
  }
  return answers;
}

Result<void> MigrateCommand::prepare(const Job& job, Link& link) {
  cli::Connection& target = link.connection;
  if (job.target.password) {
    const std::string_view password = *job.target.password;
    auto reply =
        job.target.user.empty() ? target.call({"AUTH", password}) : target.call({"AUTH", job.target.user, password});
    if (!reply) return std::unexpected(io_error(reply.error()));
    auto accepted = cli::unless_error(std::move(*reply));
    if (!accepted) return fail(fmt::format("Target instance replied with error: {}", accepted.error().text()));
  }
  if (link.db.value_or(0) == job.target_db) return {};
  auto reply = target.call({"SELECT", std::to_string(job.target_db)});
  if (!reply) return std::unexpected(io_error(reply.error()));
  auto selected = cli::unless_error(std::move(*reply));
  if (!selected) return fail(fmt::format("Target instance replied with error: {}", selected.error().text()));
  link.db = job.target_db;
  return {};
}

Result<void> MigrateCommand::move_all(const Job& job, const std::vector<Sent>& batch, Link& link) {
  ASH_TRY_VOID(prepare(job, link));
  ASH_TRY(const auto answers, send(job, batch, link.connection));
  // What was refused stays here; the others go.
  std::optional<std::string> refused;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (answers[i]) {
      if (!refused) refused = answers[i];
    } else if (job.keep == Keep::kMove) {
      ASH_TRY_VOID(erase(job, batch[i].key));
    }
  }
  if (refused) return fail("Target instance replied with error: " + *refused);
  return {};
}

}  // namespace ashlar::server
