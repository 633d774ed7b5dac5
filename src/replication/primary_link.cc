#include "replication/primary_link.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "net/connection_io.h"
#include "resp/request_writer.h"

namespace ashlar::replication {
namespace {

// Words of the stream that are no commands to run here.
constexpr std::string_view kAckMark = "replconf";
constexpr std::string_view kAliveMark = "ping";
constexpr std::string_view kTransactionMark = "multi";
constexpr std::string_view kTransactionEndMark = "exec";

constexpr std::size_t kMarksMax = 64;

}  // namespace

PrimaryLink::~PrimaryLink() { hang_up(); }

void PrimaryLink::follow(net::Endpoint primary, Intent intent, Data data) {
  if (phase_ == Phase::kConnected) contact_ = parts_.loop.now();
  if (data == Data::kOther) contact_.reset();
  hang_up();
  primary_ = std::move(primary);
  intent_ = intent;
  last_io_.reset();
  down_since_.reset();
  log::notice("Connecting to MASTER {}:{}", primary_->address, primary_->port);
  set_phase(Phase::kConnect);
  connect();
}

void PrimaryLink::expect_other_data() {
  contact_.reset();
  publish();
}

void PrimaryLink::announce(net::Endpoint primary) {
  primary_ = std::move(primary);
  phase_ = Phase::kConnect;
  publish();
}

void PrimaryLink::stop() {
  hang_up();
  intent_ = Intent::kFollow;
  primary_.reset();
  last_io_.reset();
  down_since_.reset();
  contact_.reset();
  if (!can_resume_) {  // what we hold is of no history that anybody knows
    parts_.stream.restart(random_node_id(), parts_.stream.end());
    can_resume_ = true;
    parts_.host.dataset_replaced();
  }
  set_phase(Phase::kIdle);
}

void PrimaryLink::hang_up() {
  ++attempt_;
  watch_ = {};
  if (sync_) {
    sync_.reset();  // its thread has ended, so can_resume_ says whether our former data is still there
    if (!can_resume_) drop_replicas();
    parts_.host.loading(Host::Loading::kEnds);
  }
  socket_.reset();
  in_ = ByteBuffer();
  out_ = ByteBuffer();
  parser_ = resp::RequestParser();
  transaction_.clear();  // not applied: it comes again
}

void PrimaryLink::lose(const std::string& why) {
  log::warning("MASTER <-> REPLICA sync: {}", why);
  const bool was_connected = phase_ == Phase::kConnected;
  if (was_connected) log::notice("Connection with master lost.");
  hang_up();
  if (was_connected) down_since_ = contact_ = parts_.loop.now();
  set_phase(Phase::kConnect);
  if (was_connected) connect();
}

void PrimaryLink::connect() {
  last_try_ = parts_.loop.now();
  if (net::is_numeric_address(primary_->address)) return dial(primary_->address);
  set_phase(Phase::kResolving);
  try {
    if (!resolver_) resolver_.emplace("repl-dns");
  } catch (const std::system_error& error) {
    return lose(fmt::format("Unable to connect to MASTER: no thread to look its name up: {}", error.code().message()));
  }
  // In order, not joined: this thread drives the cluster bus, too, and does not wait for a slow name server.
  resolver_->submit([this, host = primary_->address, attempt = attempt_] {
    auto found = net::resolve(host);
    parts_.loop.post([this, attempt, found = std::move(found)] {
      if (attempt != attempt_) return;
      if (found && !found->empty()) return dial(found->front());
      lose(fmt::format("Unable to connect to MASTER: {}", found ? "no address" : found.error().text()));
    });
  });
}

void PrimaryLink::dial(const std::string& address) {
  const std::string& source = settings_.source_address;
  auto fd = net::connect_tcp({address, primary_->port}, source.empty() ? std::nullopt : std::optional(source));
  if (!fd) return lose(fmt::format("Unable to connect to MASTER: {}", fd.error().text()));
  if (settings_.nodelay) (void)net::set_nodelay(*fd);  // slower without, no more
  socket_ = std::make_shared<BlockingSocket>(std::move(*fd), settings_.timeout, parts_.traffic);
  auto watch = parts_.loop.watch(socket_->fd().get(), net::Interest::kWrite, *this);
  if (!watch) return lose(fmt::format("Unable to connect to MASTER: {}", watch.error().text()));
  watch_ = std::move(*watch);
  last_io_ = parts_.loop.now();
  set_phase(Phase::kConnecting);
  log::notice("MASTER <-> REPLICA sync started");
}

void PrimaryLink::on_ready(net::Readiness readiness) noexcept {
  if (phase_ == Phase::kConnecting) return connected();
  const std::uint64_t attempt = attempt_;
  if (readiness.readable || readiness.failed) {
    if (phase_ == Phase::kHandshake) {
      read_handshake();
    } else if (phase_ == Phase::kConnected) {
      read_stream();
    }
  }
  if (readiness.writable && attempt == attempt_ && phase_ >= Phase::kHandshake) flush();
}

void PrimaryLink::connected() {
  if (auto result = net::connect_result(socket_->fd()); !result) {
    return lose(fmt::format("Error condition on socket for SYNC: {}", result.error().text()));
  }
  log::notice("Non blocking connect for SYNC fired the event.");
  const auto local = net::local_endpoint(socket_->fd());
  facts_ = {.id = parts_.host.new_connection_id(),
            .peer = to_string(*primary_),
            .local = local ? to_string(*local) : "",
            .descriptor = socket_->fd().get(),
            .since = parts_.loop.now()};
  set_phase(Phase::kHandshake);
  begin_step(Step::kPing);
}

void PrimaryLink::next_step(Step step) {
  switch (step) {
    case Step::kPing: return begin_step(settings_.password.empty() ? Step::kPort : Step::kAuth);
    case Step::kAuth: return begin_step(Step::kPort);
    case Step::kPort: return begin_step(settings_.announce_ip.empty() ? Step::kCapa : Step::kAddress);
    case Step::kAddress: return begin_step(Step::kCapa);
    case Step::kCapa: return begin_step(Step::kPsync);
    case Step::kPsync: return;
  }
}

void PrimaryLink::begin_step(Step step) {
  step_ = step;
  DecimalBuffer digits;
  switch (step) {
    case Step::kPing: return send({"PING"});
    case Step::kAuth:
      if (settings_.user.empty()) return send({"AUTH", settings_.password});
      return send({"AUTH", settings_.user, settings_.password});
    case Step::kPort: return send({"REPLCONF", "listening-port", format_i64(settings_.port, digits)});
    case Step::kAddress: return send({"REPLCONF", "ip-address", settings_.announce_ip});
    case Step::kCapa: return send({"REPLCONF", "capa", "eof", "capa", "psync2"});
    case Step::kPsync: {
      if (!can_resume_) return send({"PSYNC", "?", "-1"});
      const History history = parts_.stream.history();
      log::notice("Trying a partial resynchronization (request {}:{}).", history.id.hex(), history.end + 1);
      if (intent_ == Intent::kHandOver) {
        return send({"PSYNC", history.id.hex(), format_i64(history.end + 1, digits), "FAILOVER"});
      }
      return send({"PSYNC", history.id.hex(), format_i64(history.end + 1, digits)});
    }
  }
}

void PrimaryLink::read_handshake() {
  constexpr std::size_t kChunk = 4096;
  const net::IoOutcome got = net::read_some(socket_->fd().get(), in_, kChunk);
  if (got.status == net::IoStatus::kWouldBlock) return;
  if (got.status != net::IoStatus::kOk) return lose("the master closed the connection during the handshake");
  parts_.traffic.received(got.bytes);
  last_io_ = parts_.loop.now();
  const std::uint64_t attempt = attempt_;
  while (attempt == attempt_ && phase_ == Phase::kHandshake) {
    const std::size_t end = in_.view().find('\n');
    if (end == std::string_view::npos) {
      if (in_.size() > kChunk) lose("the master answers the handshake with an endless line");
      return;
    }
    std::string line(in_.view().substr(0, end));
    in_.consume_front(end + 1);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) answer(line);  // an empty one is a sign of life
  }
}

void PrimaryLink::answer(std::string_view line) {
  const bool error = line.starts_with('-');
  switch (step_) {
    case Step::kPing:
      if (error && !line.starts_with("-NOAUTH") && !line.starts_with("-NOPERM") &&
          !line.starts_with("-ERR operation not permitted")) {
        return lose(fmt::format("Error reply to PING from master: '{}'", line.substr(0, 256)));
      }
      log::notice("Master replied to PING, replication can continue...");
      break;
    case Step::kAuth:
      if (error) return lose(fmt::format("Unable to AUTH to MASTER: {}", line.substr(0, 256)));
      break;
    case Step::kPort:
    case Step::kAddress:
    case Step::kCapa:
      if (error) log::notice("(Non critical) Master does not understand REPLCONF: {}", line.substr(0, 256));
      break;
    case Step::kPsync: return answer_psync(line);
  }
  next_step(step_);
}

void PrimaryLink::answer_psync(std::string_view line) {
  auto parsed = parse_psync_answer(line);
  if (intent_ == Intent::kHandOver) {
    intent_ = Intent::kFollow;
    const bool refused = !parsed || std::holds_alternative<TryLater>(*parsed);
    if (refused) return parts_.on_handover(Failover::Answer::kRefused);  // we follow nobody now
    parts_.on_handover(Failover::Answer::kAccepted);
  }
  if (!parsed) return lose(std::string(parsed.error().text()));
  if (const auto* later = std::get_if<TryLater>(&*parsed)) {
    return lose(fmt::format("MASTER cannot synchronise us now: {}", later->why));
  }
  if (const auto* full = std::get_if<FullResync>(&*parsed)) return receive(*full);
  const auto& go_on_with = std::get<Continue>(*parsed);
  if (!can_resume_) return lose("MASTER continues a stream that we did not ask for");
  log::notice("Successful partial resynchronization with master.");
  if (go_on_with.id && *go_on_with.id != parts_.stream.history().id) {
    log::notice("Master replication ID changed to {}", go_on_with.id->hex());
    parts_.stream.rename(*go_on_with.id);
    parts_.drop_replicas("the history has a new name");
  }
  const std::string unread(in_.view());
  in_ = ByteBuffer();
  log::notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
  go_on(unread);
}

void PrimaryLink::receive(const FullResync& resync) {
  log::notice("Full resync from master: {}:{}", resync.id.hex(), resync.offset);
  watch_ = {};
  std::string unread(in_.view());
  in_ = ByteBuffer();
  const std::uint64_t attempt = attempt_;
  set_phase(Phase::kReceiving);
  sync_ = std::make_unique<FullSync>(FullSync::Plan{
      .snapshots = parts_.snapshots,
      .files = parts_.files,
      .socket = socket_,
      .unread = std::move(unread),
      .path = fmt::format("temp-sync-{}.rdb", ::getpid()),
      .route = route(),
      .checksum = settings_.checksum,
      .freeing = settings_.lazy_flush ? keyspace::Keyspace::Freeing::kInBackground : keyspace::Keyspace::Freeing::kNow,
      .on_beside =
          [this, continues = resync.id == parts_.stream.history().id] {
            // Of the same history, what we have is the same data at an earlier time, and worth serving.
            using Loading = Host::Loading;
            parts_.host.loading(continues ? Loading::kBeginsBeside : Loading::kBegins);
          },
      .on_flush =
          [this, attempt] {
            can_resume_ = false;
            parts_.host.loading(Host::Loading::kBegins);
            parts_.host.dataset_goes();
            parts_.loop.post([this, attempt] {
              if (attempt == attempt_) drop_replicas();
            });
          },
      .on_done =
          [this, attempt, resync](FullSync::Outcome outcome) {
            parts_.loop.post([this, attempt, resync, outcome = std::move(outcome)]() mutable {
              if (attempt == attempt_) received(std::move(outcome), resync);
            });
          }});
}

/// Ours follow what we had so far; they must begin anew, but not before it is gone.
void PrimaryLink::drop_replicas() { parts_.drop_replicas("full resynchronization with our master"); }

FullSync::Route PrimaryLink::route() const {
  using Load = Settings::DisklessLoad;
  keyspace::Keyspace& keyspace = parts_.snapshots.keyspace();
  if (settings_.diskless_load == Load::kBeside) return FullSync::Route::kBeside;
  if (settings_.diskless_load == Load::kNever) return FullSync::Route::kThroughFile;
  const bool empty = std::ranges::all_of(keyspace.sizes(), [](const auto& size) { return size.keys == 0; });
  return empty ? FullSync::Route::kDirect : FullSync::Route::kThroughFile;
}

void PrimaryLink::received(FullSync::Outcome outcome, const FullResync& resync) {
  if (!outcome.stream_db) {
    lose(fmt::format("Failed trying to load the MASTER synchronization DB: {}", outcome.stream_db.error().text()));
    return;
  }
  // The thread has ended; its destructor would end the connection too, so the descriptor moves to a new owner.
  socket_ = std::make_shared<BlockingSocket>(socket_->release(), settings_.timeout, parts_.traffic);
  sync_.reset();
  drop_replicas();
  parts_.stream.restart(resync.id, resync.offset);
  marks_.clear();
  durable_.reset();
  parts_.applier.select(*outcome.stream_db);
  can_resume_ = true;
  parts_.host.dataset_replaced();
  parts_.host.loading(Host::Loading::kEnds);
  log::notice("MASTER <-> REPLICA sync: Finished with success");
  go_on(outcome.unread);
}

void PrimaryLink::go_on(std::string_view unread) {
  parser_ = resp::RequestParser();
  in_.append(unread);
  if (!watch_) {  // a full synchronisation had the socket
    auto watch = parts_.loop.watch(socket_->fd().get(), net::Interest::kRead, *this);
    if (!watch) return lose(std::string(watch.error().text()));
    watch_ = std::move(*watch);
  }
  last_io_ = contact_ = parts_.loop.now();
  down_since_.reset();
  set_phase(Phase::kConnected);
  acknowledge();
  if (phase_ == Phase::kConnected && !in_.empty()) apply_stream();
}

void PrimaryLink::read_stream() {
  constexpr std::size_t kChunk = 64 * 1024;
  const std::size_t want = std::max(kChunk, std::min(in_.size(), parser_.missing_bytes() + kChunk));
  const net::IoOutcome got = net::read_some(socket_->fd().get(), in_, want);
  if (got.status == net::IoStatus::kWouldBlock) return;
  if (got.status != net::IoStatus::kOk) return lose("the connection was closed");
  parts_.traffic.received(got.bytes);
  last_io_ = parts_.loop.now();
  apply_stream();
}

void PrimaryLink::apply_stream() {
  if (parts_.host.writes_paused()) return;  // tick() comes back
  // The primary may write what its own clients may not send: memory follows the bytes received, not these numbers.
  const resp::Limits limits{.max_bulk_len = std::size_t{1} << 40, .max_args = std::size_t{1} << 31};
  constexpr std::size_t kCommands = 256;
  wants_ack_ = false;
  for (;;) {
    const resp::Parsed parsed = parser_.parse(in_.view(), limits, kCommands, batch_);
    if (parsed.consumed > 0) apply_batch(parsed.consumed);
    in_.consume_front(parsed.consumed);
    if (parsed.status == resp::ParseStatus::kError) {
      parts_.applier.settle();
      can_resume_ = false;
      return lose(fmt::format("Protocol error from master: {}", parser_.error()));
    }
    if (parsed.status == resp::ParseStatus::kNeedMore) break;
  }
  parts_.applier.settle();
  if (in_.empty() && in_.capacity() > 1024 * 1024) in_ = ByteBuffer();
  if (wants_ack_) acknowledge();
}

void PrimaryLink::apply_batch(std::size_t consumed) {
  const std::string_view input = in_.view().substr(0, consumed);
  std::size_t seen = 0;
  std::size_t passed_on = 0;
  // What is applied counts: the offset moves and our own replicas get the same bytes. In the same run as the effects,
  // so that no snapshot is cut between the two.
  const auto pass_on = [&](std::size_t end) {
    if (end > passed_on) parts_.log.record_raw(input.substr(passed_on, end - passed_on));
    passed_on = end;
  };
  parts_.applier.begin(parts_.loop.wall_now(), Applier::Run::kOneByOne);
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const auto args = batch_[i];
    const std::string_view bytes = input.substr(seen, batch_.bytes(i));
    const std::size_t begin = std::exchange(seen, seen + bytes.size());
    if (transaction_.open()) {
      passed_on = seen;
      if (iequals(args[0], kTransactionEndMark)) {
        transaction_.add_bytes(bytes);
        parts_.applier.end();
        apply_transaction();
        parts_.applier.begin(parts_.loop.wall_now(), Applier::Run::kOneByOne);
      } else {
        transaction_.add(args, bytes);
      }
    } else if (iequals(args[0], kTransactionMark)) {
      pass_on(begin);
      passed_on = seen;
      transaction_.begin(bytes);
    } else if (iequals(args[0], kAckMark)) {
      wants_ack_ |= args.size() >= 2 && iequals(args[1], "getack");
    } else if (!iequals(args[0], kAliveMark)) {
      if (parts_.applier.apply(args) == Applier::Applied::kNeedsAll) {
        pass_on(begin);
        parts_.applier.end();
        apply_alone(args, bytes);
        passed_on = seen;
        parts_.applier.begin(parts_.loop.wall_now(), Applier::Run::kOneByOne);
      }
    }
  }
  if (transaction_.open()) {
    transaction_.add_bytes(input.substr(seen));
  } else {
    pass_on(consumed);
  }
  parts_.applier.end();
}

void PrimaryLink::apply_alone(std::span<const std::string_view> args, std::string_view bytes) {
  parts_.applier.begin(parts_.loop.wall_now(), Applier::Run::kAlone);
  (void)parts_.applier.apply(args);
  parts_.log.record_raw(bytes);
  parts_.applier.end();
}

void PrimaryLink::apply_transaction() {
  parts_.applier.begin(parts_.loop.wall_now(), Applier::Run::kAsOne);
  std::vector<std::string_view> args;
  for (const auto& command : transaction_.commands()) {
    args.assign(command.begin(), command.end());
    (void)parts_.applier.apply(args);
  }
  parts_.log.record_raw(transaction_.bytes());
  parts_.applier.end();
  transaction_.clear();
}

std::optional<std::int64_t> PrimaryLink::durable_offset() {
  const std::int64_t end = parts_.stream.end();
  const auto log = parts_.host.log_positions();
  if (!log || !log->durable) {
    marks_.clear();
    durable_.reset();
    return std::nullopt;
  }
  // All effects up to `end` are in the log by now, so they are durable when it is so up to here.
  if (marks_.empty() || marks_.back().offset != end) {
    if (marks_.size() == kMarksMax) marks_.pop_back();
    marks_.push_back({end, log->appended});
  }
  for (; !marks_.empty() && marks_.front().log <= *log->durable; marks_.pop_front()) durable_ = marks_.front().offset;
  return durable_;
}

void PrimaryLink::acknowledge() {
  last_ack_ = parts_.loop.now();
  DecimalBuffer offset;
  DecimalBuffer durable;
  if (const auto on_disk = durable_offset()) {
    return send({"REPLCONF", "ACK", format_i64(parts_.stream.end(), offset), "FACK", format_i64(*on_disk, durable)});
  }
  send({"REPLCONF", "ACK", format_i64(parts_.stream.end(), offset)});
}

void PrimaryLink::send(std::initializer_list<std::string_view> words) {
  std::string request;
  resp::write_request(words, request);
  out_.append(request);
  flush();
}

void PrimaryLink::flush() {
  while (!out_.empty()) {
    const net::IoOutcome sent = net::write_some(socket_->fd().get(), out_.view());
    if (sent.status == net::IoStatus::kWouldBlock) break;
    if (sent.status != net::IoStatus::kOk) {
      out_.clear();  // reading tells what happened
      break;
    }
    out_.consume_front(sent.bytes);
  }
  watch_.set_interest(out_.empty() ? net::Interest::kRead : net::Interest::kReadWrite);
}

void PrimaryLink::tick() {
  const MonoTime now = parts_.loop.now();
  switch (phase_) {
    case Phase::kIdle: return;
    case Phase::kConnect:
      if (now - last_try_ >= Seconds(1)) connect();
      break;
    case Phase::kResolving: break;
    case Phase::kConnecting:
    case Phase::kHandshake:
      if (last_io_ && now - *last_io_ > settings_.timeout) lose("Timeout connecting to the MASTER...");
      break;
    case Phase::kReceiving: break;  // its socket watches the time
    case Phase::kConnected:
      if (now - *last_io_ > settings_.timeout) {
        lose("MASTER timeout: no data nor PING received...");
      } else if (now - last_ack_ >= Seconds(1)) {
        acknowledge();
      }
      if (phase_ == Phase::kConnected && !in_.empty()) apply_stream();  // a pause may have ended
      break;
  }
  publish();
}

void PrimaryLink::set_phase(Phase phase) {
  phase_ = phase;
  publish();
  parts_.on_change();
}

void PrimaryLink::publish() {
  Status now{.primary = primary_,
             .phase = phase_,
             .last_io = last_io_,
             .down_since = down_since_,
             .contact = phase_ == Phase::kConnected ? last_io_ : contact_,
             .unapplied = phase_ == Phase::kConnected ? in_.size() : 0,
             .link = {}};
  if (socket_ && phase_ >= Phase::kHandshake) {
    now.link = facts_;
    now.link->last_heard = last_io_.value_or(facts_.since);
    now.link->queued = out_.size();
  }
  if (sync_) {
    now.sync_total = sync_->progress().total.load(std::memory_order_relaxed);
    now.sync_received = sync_->progress().received.load(std::memory_order_relaxed);
  }
  MutexLock lock(mutex_);
  status_ = std::move(now);
}

PrimaryLink::Status PrimaryLink::status() const {
  MutexLock lock(mutex_);
  return status_;
}

}  // namespace ashlar::replication
