#include "server/persistence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aof/stream_note.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/run_state.h"
#include "snapshot/rdb_check.h"
#include "snapshot/rdb_load.h"

namespace ashlar::server {
namespace {

constexpr Seconds kRetryAfterFailure{5};  // Redis: CONFIG_BGSAVE_RETRY_DELAY
constexpr auto kDataGoes = "the dataset is being replaced by that of the primary";
constexpr std::uint64_t kErrorsShown = 10;  // of an append-only file

aof::FsyncPolicy policy_of(config::FsyncPolicy policy) {
  switch (policy) {
    case config::FsyncPolicy::kAlways: return aof::FsyncPolicy::kAlways;
    case config::FsyncPolicy::kEverySecond: return aof::FsyncPolicy::kEverySecond;
    case config::FsyncPolicy::kNever: return aof::FsyncPolicy::kNo;
  }
  return aof::FsyncPolicy::kEverySecond;
}

aof::WriterSettings writer_settings(const config::Config& config) {
  return {.fsync = policy_of(config.aof.fsync),
          .no_fsync_on_rewrite = config.aof.no_fsync_on_rewrite,
          .timestamps = config.aof.timestamps};
}

aof::AofPaths paths_of(const config::Config& config) {
  return {config.snapshot.directory, config.aof.directory_name, config.aof.file_name};
}

/// The session that replays a file: everything is allowed, replies go nowhere.
class Replay final : public command::Session {
 public:
  Replay() : Session(command::Origin::kLoader) { authenticated = true; }
  /// Whether a command has changed what the next ones may do.
  [[nodiscard]] bool confined() const { return subscribed || monitoring || in_transaction || restricted(); }
};

}  // namespace

/// The change log's way into the append-only file.
class Persistence::AofSink final : public changelog::Sink {
 public:
  explicit AofSink(aof::AofWriter& writer) : writer_(writer) {}
  void append(std::string_view records) override { writer_.append(records); }

 private:
  aof::AofWriter& writer_;
};

/// Keeps the meter running while it lives.
class Persistence::Measured {
 public:
  Measured(LoadMeter& meter, WallTime now, std::uint64_t total) : meter_(meter) {
    meter_.total = total;
    meter_.loaded = 0;
    meter_.writer_memory = 0;
    meter_.began = unix_seconds(now);
  }
  ~Measured() { meter_.began = 0; }
  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;

 private:
  LoadMeter& meter_;
};

Persistence::Persistence(Parts parts)
    : parts_(std::move(parts)),
      host_(parts_.keyspace, parts_.clock),
      saver_(host_, parts_.files),
      aof_(host_, parts_.files, writer_settings(*parts_.config.get())),
      sink_(std::make_unique<AofSink>(aof_.writer())),
      started_(parts_.clock.wall()) {
  aof_.writer().on_progress([this](Micros took) { progressed(took); });
}

Persistence::~Persistence() { parts_.log.set_aof(nullptr); }

std::string Persistence::rdb_path(const config::Config& config) const {
  return config.snapshot.directory + "/" + config.snapshot.file_name;
}

snapshot::AuxInput Persistence::aux() const {
  return {.redis_version = std::string(kRedisVersion),
          .created = parts_.clock.wall(),
          .used_memory = memory_used(),
          .replication = parts_.replication_aux ? parts_.replication_aux() : std::nullopt,
          .functions = parts_.keyspace.function_codes()};
}

snapshot::SaveJob Persistence::save_job() const {
  const auto config = parts_.config.get();
  snapshot::SaveJob job;
  job.path = rdb_path(*config);
  job.compression = config->snapshot.compress ? snapshot::Compression::kLzf : snapshot::Compression::kNone;
  job.checksum = config->snapshot.checksum ? snapshot::Checksum::kCrc64 : snapshot::Checksum::kNone;
  job.at_cut = [this] { return aux(); };
  return job;
}

aof::RewriteJob Persistence::rewrite_job(const config::Config& config) {
  aof::RewriteJob job;
  job.paths = paths_of(config);
  job.form = config.aof.rdb_preamble ? aof::BaseForm::kRdb : aof::BaseForm::kCommands;
  job.compression = config.snapshot.compress ? snapshot::Compression::kLzf : snapshot::Compression::kNone;
  job.checksum = config.snapshot.checksum ? snapshot::Checksum::kCrc64 : snapshot::Checksum::kNone;
  job.timestamps = config.aof.timestamps;
  job.at_cut = [this]() -> Result<aof::RewriteCut> {
    if (data_goes_) return fail(kDataGoes);
    parts_.log.forget_aof_db();
    return aof::RewriteCut{aux(), std::nullopt};
  };
  return job;
}

Result<Persistence::Loaded> Persistence::load(Dispatcher& dispatcher, Execution& run, Meanwhile meanwhile) {
  const MonoTime begin = parts_.clock.mono();
  meanwhile_ = std::move(meanwhile);
  auto loaded = parts_.config.get()->aof.enabled ? load_aof(dispatcher, run)
                                                 : load_rdb(snapshot::DuplicateKeys::kRefuse, &run.participant);
  meanwhile_ = {};
  if (!loaded && !given_up_ && loaded.error().code == ErrorCode::kCorrupt && !parts_.config.get()->aof.enabled) {
    explain_rdb();
  }
  if (loaded && keys_loaded_ > 0) {
    const auto took = static_cast<double>((parts_.clock.mono() - begin).count()) / 1e6;
    log::notice("DB loaded from disk: {:.3f} seconds, keys loaded: {}, keys expired: {}", took, keys_loaded_.load(),
                keys_expired_.load());
  }
  return loaded;
}

/// Says in the log what ashlar-check-rdb says of the file that cannot be loaded.
void Persistence::explain_rdb() const {
  const std::string path = rdb_path(*parts_.config.get());
  const auto file = parts_.files.open(path, OpenMode::kRead);
  if (!file) return;
  snapshot::FileSource source(**file);
  const auto say = [](std::string_view line) { log::warning("{}", line.substr(0, line.find_last_not_of('\n') + 1)); };
  (void)snapshot::check_rdb(source, path, parts_.clock.wall(), say);
  log::warning("Terminating server after rdb file reading failure.");
}

Result<Persistence::Loaded> Persistence::load_rdb(snapshot::DuplicateKeys duplicates,
                                                  keyspace::SafePoint::Participant* seat) {
  const auto config = parts_.config.get();
  const std::string path = rdb_path(*config);
  if (!parts_.files.exists(path)) return Loaded{};
  const auto file = parts_.files.open(path, OpenMode::kRead);
  const Measured measured(meter_, parts_.clock.wall(), file ? (*file)->size().value_or(0) : 0);
  snapshot::LoadOptions options;
  options.now = parts_.clock.wall();
  options.limits.progress_every = static_cast<std::uint64_t>(config->snapshot.loading_turn_bytes);
  options.limits.string_bytes_max = snapshot::kFileStringBytesMax;
  options.expired = snapshot::ExpiredKeys::kSkipUnlessStream;
  const bool check = config->snapshot.checksum && !parts_.state.trust_checksums.load();
  options.checksum = check ? snapshot::Checksum::kCrc64 : snapshot::Checksum::kNone;
  options.duplicates = duplicates;
  options.seat = seat;
  options.progress = [this](const snapshot::LoadProgress& progress) { return report(progress); };
  options.after_key = delay_after_key();
  auto report = snapshot::load_rdb_file(parts_.keyspace, parts_.files, path, options);
  if (!report) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("Fatal error loading the DB: {}. The file is left as it is.", report.error().text()));
  }
  keys_loaded_ = report->total.keys_loaded;
  keys_expired_ = report->total.keys_expired;
  return Loaded{report->replication};
}

Result<Persistence::Loaded> Persistence::load_aof(Dispatcher& dispatcher, Execution& run) {
  const auto config = parts_.config.get();
  ASH_TRY_VOID(aof_.open(paths_of(*config)));
  const Measured measured(meter_, parts_.clock.wall(), aof_.bytes_to_load());
  Replay session;
  ByteBuffer discarded;
  resp::Encoder reply(discarded);
  aof::AofLoadOptions options;
  options.tail = config->aof.load_truncated ? aof::TruncatedTail::kCut : aof::TruncatedTail::kRefuse;
  options.now = parts_.clock.wall();
  options.string_bytes_max = snapshot::kFileStringBytesMax;
  options.progress = [this](const snapshot::LoadProgress& progress) { return report(progress); };
  options.progress_every = static_cast<std::uint64_t>(config->snapshot.loading_turn_bytes);
  options.seat = &run.participant;
  options.after_key = delay_after_key();
  std::uint64_t errors = 0;
  const auto apply = [&](std::span<const std::string_view> args) -> Result<void> {
    const keyspace::Batch inside(run.participant);
    dispatcher.begin_batch(run, parts_.clock.wall(), command::Origin::kLoader);
    const Located located = dispatcher.look_up(run, args);
    if (located.command == nullptr || located.command->spec.is(command::Flag::kContainer)) {
      return fail(fmt::format("Unknown command '{}' reading the append only file", args[0].substr(0, 128)));
    }
    if (!located.command->spec.arity.accepts(args.size())) {
      return fail(fmt::format("wrong number of arguments for '{}' command", located.command->spec.name));
    }
    discarded.clear();
    (void)dispatcher.run(run, located, args, session, reply);
    if (session.confined()) return fail("not a command for an append only file");
    // As in Redis: such a command has been answered with an error before, too; a script may have written before that.
    if (!discarded.empty() && discarded.view().front() == '-' && ++errors <= kErrorsShown) {
      log::warning("'{}' of the append only file is answered with an error: {}", args[0].substr(0, 128),
                   discarded.view().substr(1, discarded.view().find('\r') - 1));
    }
    return {};
  };
  options.apply = [&](std::span<const std::string_view> args) -> Result<void> {
    ASH_TRY_VOID(apply(args));
    if (options.after_key) options.after_key();
    return {};
  };
  ASH_TRY(const aof::AofLoadReport report, aof_.load(options));
  if (errors > 0) log::warning("{} commands of the append only file were answered with an error", errors);
  keys_loaded_ = 0;
  for (const keyspace::Keyspace::Size& size : parts_.keyspace.sizes()) keys_loaded_ += size.keys;
  return Loaded{report.replication};
}

Result<void> Persistence::report(const snapshot::LoadProgress& progress) {
  keys_loaded_ = progress.keys_loaded;
  meter_.loaded = progress.bytes;
  meter_.writer_memory = progress.writer_memory;
  if (!meanwhile_) return {};
  auto may_go_on = meanwhile_();
  given_up_ = !may_go_on;
  return may_go_on;
}

std::function<void()> Persistence::delay_after_key() {
  return [walk = snapshot::SlowWalk(host_.load_delay())]() mutable { walk.passed(1, [] { return false; }); };
}

void Persistence::write_meter(InfoWriter& out) const {
  if (meter_.began == 0) return;
  const std::uint64_t total = meter_.total;
  const std::uint64_t loaded = std::min(meter_.loaded.load(), total);
  const std::int64_t elapsed = unix_seconds(parts_.clock.wall()) - meter_.began;
  const double rest = static_cast<double>(total - loaded) / static_cast<double>(loaded + 1);
  out.field("loading_start_time", meter_.began.load());
  out.field("loading_total_bytes", total);
  out.field("loading_rdb_used_mem", meter_.writer_memory.load());
  out.field("loading_loaded_bytes", loaded);
  out.formatted("loading_loaded_perc", "{:.2f}",
                total == 0 ? 0.0 : 100.0 * static_cast<double>(loaded) / static_cast<double>(total));
  // As Redis: within the first second there is nothing to judge by.
  out.field("loading_eta_seconds", elapsed <= 0 ? 1 : static_cast<std::int64_t>(static_cast<double>(elapsed) * rest));
}

Result<void> Persistence::start() {
  const auto config = parts_.config.get();
  if (!config->aof.enabled) return {};
  ASH_TRY_VOID(aof_.start(rewrite_job(*config)));
  parts_.log.set_aof(sink_.get());
  aof_on_ = true;
  return {};
}

void Persistence::empty_dataset() {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), nullptr);
  for (std::uint32_t db = 0; db < parts_.keyspace.databases(); ++db) parts_.keyspace.clear(DbIndex{db});
  if (parts_.keyspace.functions() != nullptr) parts_.keyspace.functions()->clear();
}

Result<void> Persistence::reload(const Reload& how, keyspace::SafePoint::Participant& seat) {
  shut_out_commands();
  const Result<void> saved = how.save ? saver_.save(save_job(), nullptr) : Result<void>{};
  Result<void> loaded;
  if (saved) {
    if (!how.keep) empty_dataset();
    const auto all = load_rdb(how.merge ? snapshot::DuplicateKeys::kReplace : snapshot::DuplicateKeys::kRefuse, &seat);
    if (!all) loaded = std::unexpected(all.error());
  }
  parts_.gates.open(Gate::kLoading);
  return saved ? loaded : saved;
}

void Persistence::shut_out_commands() {
  parts_.gates.close(Gate::kLoading);
  const keyspace::SafePoint::Exclusive none_is_under_way(parts_.keyspace.safe_point(), nullptr);
}

Result<void> Persistence::replay_aof(Dispatcher& dispatcher, Execution& run) {
  shut_out_commands();
  const auto replayed = [&]() -> Result<void> {
    if (aof_on_) {
      ASH_TRY_VOID(aof_.writer().commit());
    } else {  // what the last BGREWRITEAOF has written
      ASH_TRY_VOID(aof_.open(paths_of(*parts_.config.get())));
      if (aof_.empty()) return fail("The append-only file is off, and there is none");
    }
    empty_dataset();
    if (const auto loaded = load_aof(dispatcher, run); !loaded) return std::unexpected(loaded.error());
    return {};
  }();
  parts_.gates.open(Gate::kLoading);
  return replayed;
}

template <typename Work>
Result<void> Persistence::measured(const char* event, const Work& work) {
  if (parts_.latency.threshold() == Millis(0)) return work();
  const MonoTime begin = parts_.clock.mono();
  Result<void> done = work();
  parts_.latency.note(event, parts_.clock.wall(), parts_.clock.mono() - begin);
  return done;
}

Durability::Promised Persistence::settle(Turn turn) {
  if (!aof_on_.load(std::memory_order_relaxed)) return {};
  aof::AofWriter& writer = aof_.writer();
  if (writer.fsync_policy() == aof::FsyncPolicy::kAlways && !writer.syncs_held()) {
    const aof::Reach reach = writer.reach();
    if (reach.durable >= reach.appended) return {};
    return {reach.healthy ? Promise::kOpen : Promise::kBroken, reach.appended};
  }
  if (turn == Turn::kWrote) {
    const auto written = measured("aof-write", [&] { return writer.flush(); });
    if (!written) refuse_writes(written.error());
  }
  return {};
}

void Persistence::sync() {
  aof::AofWriter& writer = aof_.writer();
  if (!aof_on_.load(std::memory_order_relaxed) || writer.fsync_policy() != aof::FsyncPolicy::kAlways) return;
  const auto synced = measured("aof-fsync-always", [&] { return writer.commit(); });
  if (!synced) refuse_writes(synced.error());
  if (sync_told_) sync_told_();
}

/// An error shows in healthy() and closes the gate at the next tick; but what is refused at once need not end a
/// connection.
void Persistence::refuse_writes(const Error& error) {
  if (parts_.gates.closed(Gate::kMisconf)) return;
  parts_.gates.close(Gate::kMisconf);
  log::warning("Error writing to the append-only file: {}", error.text());
}

void Persistence::progressed(Micros sync_took) {
  if (sync_took > Micros(0) && aof_.writer().fsync_policy() == aof::FsyncPolicy::kAlways) {
    parts_.latency.note("aof-fsync-always", parts_.clock.wall(), sync_took);
  }
  if (aof_on_ && !aof_.writer().healthy()) {
    if (const auto error = aof_.writer_status().error) refuse_writes(*error);
  }
  if (told_) told_();
  if (sync_told_) sync_told_();
}

Error Persistence::misconf() const {
  if (aof_on_) {
    if (const auto error = aof_.writer_status().error) {
      return {ErrorCode::kMisconf, fmt::format("Errors writing to the AOF file: {}", error->text())};
    }
  }
  if (!save_failed(*parts_.config.get())) {  // the gate is opened by the next tick
    return {ErrorCode::kMisconf, "Errors writing to the AOF file: they have just ended, try again"};
  }
  return {ErrorCode::kMisconf,
          "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may "
          "modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
          "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the "
          "RDB error."};
}

bool Persistence::save_failed(const config::Config& config) const {
  return config.snapshot.stop_writes_on_error && !config.snapshot.save_points.empty() &&
         saver_.status().last_error.has_value();
}

void Persistence::update_gate(const config::Config& config) {
  const bool failed = save_failed(config) || (aof_on_ && !aof_.writer().healthy());
  const bool closed = parts_.gates.closed(Gate::kMisconf);
  if (failed && !closed) parts_.gates.close(Gate::kMisconf);
  if (!failed && closed) parts_.gates.open(Gate::kMisconf);
}

void Persistence::run_save_points(const config::Config& config) {
  const snapshot::SaveStatus status = saver_.status();
  if (status.running || rewriting() || data_goes_) return;
  const WallTime now = parts_.clock.wall();
  const std::uint64_t changes = parts_.keyspace.total(&keyspace::Counters::changes) - status.changes_at_cut;
  const WallTime last = status.last_saved.value_or(started_);
  const bool may_retry = !status.last_error || !last_try_ || now - *last_try_ > kRetryAfterFailure;
  bool due = save_scheduled_.load();
  for (const config::SavePoint& point : config.snapshot.save_points) {
    if (changes < point.changes || now - last <= point.period || !may_retry) continue;
    log::notice("{} changes in {} seconds. Saving...", point.changes, point.period.count());
    due = true;
    break;
  }
  if (!due) return;
  save_scheduled_ = false;
  last_try_ = now;
  if (const auto started = background_save(nullptr); !started) {
    log::warning("Background saving error: {}", started.error().text());
  }
}

void Persistence::tick(Cuts cuts) {
  const auto config = parts_.config.get();
  aof_.writer().tick(parts_.clock.wall());
  if (cuts == Cuts::kNow) {
    run_save_points(*config);
    run_rewrites(*config);
  }
  update_gate(*config);
}

void Persistence::run_rewrites(const config::Config& config) {
  if (!aof_on_ || data_goes_ || rewriting() || saving()) return;
  if (!aof_.rewrite_due({config.aof.rewrite_percentage, config.aof.rewrite_min_size})) return;
  if (const auto started = background_rewrite(nullptr); !started) {
    log::warning("Can't rewrite the append only file in background: {}", started.error().text());
  }
}

void Persistence::dataset_goes() {
  data_goes_ = true;
  parts_.log.set_aof(nullptr);
}

void Persistence::dataset_replaced() {
  MutexLock lock(switching_);
  data_goes_ = false;
  if (!aof_on_) return;
  if (const auto begun = renew_aof(*parts_.config.get()); !begun) {  // tick() tries again
    log::warning("Can't rewrite the append only file in background: {}", begun.error().text());
  }
}

/// The log begins anew with all the data there is. Until that is complete, the former files stay as they are.
Result<void> Persistence::renew_aof(const config::Config& config) {
  ASH_TRY_VOID(aof_.renew(paths_of(config), nullptr));
  parts_.log.set_aof(sink_.get());
  return begin_rewrite(config, nullptr);
}

std::optional<replication::Host::LogPositions> Persistence::log_positions() const {
  if (!aof_on_) return std::nullopt;
  const aof::WriterStatus status = aof_.writer_status();
  const bool whole = aof_.whole() && !data_goes_;
  return replication::Host::LogPositions{status.appended, whole ? std::optional(status.durable) : std::nullopt};
}

Result<void> Persistence::finish(const ShutdownRequest& request) {
  using Save = ShutdownRequest::Save;
  MutexLock lock(switching_);
  const auto config = parts_.config.get();
  if (const aof::AofStatus log = aof_.status(); log.waits_for_base && log.rewriting && !request.force) {
    log::warning("Writing initial AOF, can't exit.");  // the next start would find none
    return fail("the append-only file is not complete");
  }
  const bool save =
      request.save == Save::kSave || (request.save == Save::kAsConfigured && !config->snapshot.save_points.empty());
  Result<void> result;
  if (save && data_goes_) {
    log::warning("The dataset is being replaced by that of the primary: it is not saved, the file stays as it is.");
  } else if (save) {
    log::notice("Saving the final RDB snapshot before exiting.");
    saver_.cancel(snapshot::RdbSaver::Which::kAny);
    saver_.wait(nullptr);
    result = saver_.save(save_job(), nullptr);
    if (!result) log::warning("Error trying to save the DB, can't exit.");
  }
  // Last: if the server has to go on, the log does, too.
  if (!aof_on_ || (!result && !request.force)) return result;
  auto closed = close_aof(request);
  return result ? closed : result;
}

Result<void> Persistence::close_aof(const ShutdownRequest& request) {
  aof_.cancel_rewrite();
  aof_.wait(nullptr);
  parts_.log.set_aof(nullptr);
  // No command runs any more, so this is where the data stands.
  const bool noted = aof_.whole() && !data_goes_ && parts_.replication_aux;
  if (const auto at = noted ? parts_.replication_aux() : std::nullopt) {
    aof_.writer().append(aof::render_stream_note(*at));
  }
  if (auto kept = aof_.writer().commit(); !kept && !request.force) {
    if (!data_goes_) parts_.log.set_aof(sink_.get());
    return kept;
  }
  return aof_.disable(nullptr);
}

Result<void> Persistence::switch_aof(const config::Config& now) {
  MutexLock lock(switching_);
  if (now.aof.enabled == aof_on_) return {};
  if (!now.aof.enabled) {
    parts_.log.set_aof(nullptr);
    aof_on_ = false;
    if (const auto closed = aof_.disable(nullptr); !closed) {  // as Redis: off it is
      log::warning("The end of the append only file is lost: {}", closed.error().text());
    }
    return {};
  }
  // Attached first: what is written from the rewrite's cut on must be in the file.
  parts_.log.set_aof(sink_.get());
  auto enabled = aof_.enable(rewrite_job(now), nullptr);
  if (!enabled) {
    parts_.log.set_aof(nullptr);
    return enabled;
  }
  aof_on_ = true;
  return {};
}

Result<void> Persistence::move_aof(const config::Config& now) {
  MutexLock lock(switching_);
  if (!aof_on_ || !now.aof.enabled) return {};
  return renew_aof(now);
}

void Persistence::apply(const config::Config& now) {
  host_.save_delay() = now.snapshot.key_save_delay;
  host_.load_delay() = now.snapshot.key_load_delay;
  aof_.writer().configure(writer_settings(now));
  update_gate(now);
  using History = aof::AofFiles::History;
  const History history = now.aof.keep_history ? History::kKeep : History::kDelete;
  if (history == std::exchange(history_, history)) return;  // the files are not free while they are loaded
  if (const auto done = aof_.set_history(history); !done) {
    log::warning("Cannot delete former append only files: {}", done.error().text());
  }
}

Result<void> Persistence::save(keyspace::SafePoint::Participant* self) { return saver_.save(save_job(), self); }

Result<void> Persistence::background_save(keyspace::SafePoint::Participant* self) {
  ASH_TRY_VOID(saver_.start(save_job(), self));
  log::notice("Background saving started");
  return {};
}

Result<void> Persistence::background_rewrite(keyspace::SafePoint::Participant* self) {
  if (data_goes_) return fail(kDataGoes);
  return begin_rewrite(*parts_.config.get(), self);
}

Result<void> Persistence::begin_rewrite(const config::Config& config, keyspace::SafePoint::Participant* self) {
  ASH_TRY_VOID(aof_.rewrite(rewrite_job(config), self));
  log::notice("Background append only file rewriting started");
  return {};
}

std::int64_t Persistence::last_save_unix() const { return unix_seconds(saver_.status().last_saved.value_or(started_)); }

void Persistence::add_info(Info& info) {
  info.add("Persistence", Info::Shown::kByDefault, [this](InfoWriter& out) {
    const snapshot::SaveStatus save = saver_.status();
    const aof::AofStatus log = aof_.status();
    const auto since = [&](WallTime begin) {
      return std::chrono::duration_cast<Seconds>(parts_.clock.wall() - begin).count();
    };
    const auto seconds = [](Micros took) { return std::chrono::duration_cast<Seconds>(took).count(); };
    out.field("loading", parts_.gates.closed(Gate::kLoading) ? 1 : 0);
    out.field("async_loading", parts_.gates.closed(Gate::kAsyncLoading) ? 1 : 0);
    // Snapshots copy a slot before it changes instead of forking, so no page is ever copied on write.
    for (const std::string_view name : {"current_cow_peak", "current_cow_size", "current_cow_size_age"}) {
      out.field(name, 0);
    }
    const auto& progress = save.progress;
    const bool measured = save.running && progress.keys_total > 0;
    out.formatted(
        "current_fork_perc", "{:.2f}",
        measured ? 100.0 * static_cast<double>(progress.keys_done) / static_cast<double>(progress.keys_total) : 0.0);
    out.field("current_save_keys_processed", save.running ? save.progress.keys_done : 0);
    out.field("current_save_keys_total", save.running ? save.progress.keys_total : 0);
    out.field("rdb_changes_since_last_save", parts_.keyspace.total(&keyspace::Counters::changes) - save.changes_at_cut);
    out.field("rdb_bgsave_in_progress", save.running || parts_.sends_snapshot() ? 1 : 0);
    out.field("rdb_last_save_time", last_save_unix());
    out.field("rdb_last_bgsave_status", save.last_error ? "err" : "ok");
    out.field("rdb_last_bgsave_time_sec", save.last_saved ? seconds(save.last_duration) : -1);
    out.field("rdb_current_bgsave_time_sec", save.running ? since(save.started) : -1);
    out.field("rdb_saves", save.saves);
    out.field("rdb_last_cow_size", 0);
    out.field("rdb_last_load_keys_expired", keys_expired_.load());
    out.field("rdb_last_load_keys_loaded", keys_loaded_.load());
    out.field("aof_enabled", log.enabled ? 1 : 0);
    out.field("aof_rewrite_in_progress", log.rewriting ? 1 : 0);
    out.field("aof_rewrite_scheduled", 0);  // one that is asked for begins at once
    out.field("aof_last_rewrite_time_sec", log.last_rewrite_time ? seconds(*log.last_rewrite_time) : -1);
    out.field("aof_current_rewrite_time_sec", log.rewriting ? since(log.rewrite_started) : -1);
    out.field("aof_last_bgrewrite_status", log.last_rewrite_error ? "err" : "ok");
    out.field("aof_rewrites", log.rewrites);
    out.field("aof_rewrites_consecutive_failures", log.failures_in_a_row);
    out.field("aof_last_write_status", aof_.writer().healthy() ? "ok" : "err");
    for (const std::string_view name : {"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"}) {
      out.field(name, 0);
    }
    if (!log.enabled) return write_meter(out);
    out.field("aof_current_size", log.current_bytes);
    out.field("aof_base_size", log.base_bytes);
    out.field("aof_pending_rewrite", 0);
    out.field("aof_buffer_length", log.writer.pending_bytes);
    out.field("aof_pending_bio_fsync", log.writer.sync_running ? 1 : 0);
    out.field("aof_delayed_fsync", log.writer.slow_syncs);
    write_meter(out);
  });
}

}  // namespace ashlar::server
