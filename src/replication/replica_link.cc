#include "replication/replica_link.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "net/connection_io.h"

namespace ashlar::replication {
namespace {
constexpr std::string_view kAckWord = "replconf";
}  // namespace

ReplicaLink::ReplicaLink(Owner& owner, net::EventLoop& loop, std::uint64_t number,
                         std::shared_ptr<BlockingSocket> socket, std::string unread, ReplicaTraits traits)
    : owner_(owner),
      loop_(loop),
      number_(number),
      socket_(std::move(socket)),
      traits_(std::move(traits)),
      since_(loop.now()),
      last_ack_(loop.now()) {
  in_.append(unread);
}

ReplicaLink::~ReplicaLink() { close(); }

Result<void> ReplicaLink::watch() {
  ASH_TRY(watch_, loop_.watch(socket_->fd().get(), net::Interest::kRead, *this));
  return {};
}

void ReplicaLink::close() {
  state_ = State::kLost;
  watch_ = {};
  socket_->abort();
  queue_.clear();
  queued_bytes_ = 0;
}

void ReplicaLink::on_ready(net::Readiness readiness) noexcept {
  if (readiness.readable || readiness.failed) read_input();
  if (readiness.writable && state_ != State::kLost) flush();
}

void ReplicaLink::read_input() {
  constexpr std::size_t kChunk = 16 * 1024;
  const net::IoOutcome got = net::read_some(socket_->fd().get(), in_, kChunk);
  if (got.status == net::IoStatus::kWouldBlock) return;
  if (got.status != net::IoStatus::kOk) return owner_.link_lost(*this, "connection lost");
  last_ack_ = loop_.now();  // a replica that is busy loading sends line ends
  run_received();
}

void ReplicaLink::run_received() {
  constexpr std::size_t kLongest = 16 * 1024;
  const resp::Limits limits{.max_bulk_len = kLongest, .max_args = 64};
  for (;;) {
    const resp::Parsed parsed = parser_.parse(in_.view(), limits, 64, batch_);
    for (std::size_t i = 0; i < batch_.size() && state_ != State::kLost; ++i) run(batch_[i]);
    if (state_ == State::kLost) return;
    in_.consume_front(parsed.consumed);
    if (parsed.status == resp::ParseStatus::kError) return owner_.link_lost(*this, parser_.error());
    if (parsed.status == resp::ParseStatus::kNeedMore) return;
  }
}

void ReplicaLink::run(std::span<const std::string_view> args) {
  if (args.empty()) return;
  if (!iequals(args[0], kAckWord)) return owner_.link_strayed(*this, args);
  if (args.size() < 3 || !iequals(args[1], "ack")) return;
  const auto offset = parse_i64(args[2]);
  if (!offset) return;
  acknowledged_ = std::max(acknowledged_, *offset);
  heard_ = true;
  if (args.size() >= 5 && iequals(args[3], "fack")) {
    if (const auto durable = parse_i64(args[4])) durable_ = std::max(durable_.value_or(0), *durable);
  }
  owner_.link_acknowledged(*this);
}

void ReplicaLink::send_first(std::string bytes) {
  auto block = std::make_shared<Block>();
  block->bytes = std::move(bytes);
  block->begin = -static_cast<std::int64_t>(block->bytes.size());
  queued_bytes_ += block->bytes.size();
  queue_.push_back({std::move(block), 0});
}

void ReplicaLink::feed(const std::shared_ptr<Block>& block) {
  if (state_ == State::kLost || state_ == State::kWaiting || traits_.wants_rdb_only) return;
  if (block->end() <= position_) return;
  const auto from = static_cast<std::size_t>(std::max<std::int64_t>(0, position_ - block->begin));
  position_ = block->end();
  queued_bytes_ += block->size() - from;
  if (queue_.empty() || queue_.back().block != block) queue_.push_back({block, from});
}

std::optional<std::int64_t> ReplicaLink::holds_from() const {
  const auto first = std::ranges::find_if(queue_, [](const Piece& piece) { return piece.block->begin >= 0; });
  if (first == queue_.end()) return std::nullopt;
  return first->block->begin;
}

void ReplicaLink::feed_as(const ReplicaLink& other) {
  catches_up_ = true;
  for (const Piece& piece : other.queue_) {
    if (piece.block->begin >= 0) feed(piece.block);
  }
}

void ReplicaLink::sign_of_life() { (void)net::write_some(socket_->fd().get(), "\n"); }  // the next one may get through

void ReplicaLink::go_online() {
  state_ = State::kOnline;
  last_ack_ = loop_.now();
  flush();
}

void ReplicaLink::flush() {
  if (state_ != State::kOnline) return;
  while (!queue_.empty()) {
    std::array<std::string_view, net::kMaxPieces> views;
    std::size_t n = 0;
    for (auto it = queue_.begin(); it != queue_.end() && n < views.size() && it->block->away == 0; ++it) {
      views[n++] = std::string_view(it->block->bytes).substr(it->from);
    }
    if (n == 0) break;
    const net::IoOutcome sent =
        net::write_some(socket_->fd().get(), std::span<const std::string_view>(views.data(), n));
    if (sent.status == net::IoStatus::kWouldBlock) break;
    if (sent.status != net::IoStatus::kOk) return owner_.link_lost(*this, "write failed");
    socket_->traffic().sent(sent.bytes);
    queued_bytes_ -= sent.bytes;
    std::size_t left = sent.bytes;
    while (!queue_.empty()) {
      Piece& piece = queue_.front();
      const std::size_t size = piece.block->size() - piece.from;
      if (left < size) {
        piece.from += left;
        break;
      }
      left -= size;
      queue_.pop_front();
    }
  }
  if (queue_.empty()) catches_up_ = false;
  update_interest();
  fetch_ahead();
}

void ReplicaLink::update_interest() {
  const bool can_send = !queue_.empty() && queue_.front().block->away == 0;
  watch_.set_interest(can_send ? net::Interest::kReadWrite : net::Interest::kRead);
}

void ReplicaLink::fetch_ahead() {
  constexpr std::size_t kBlocks = 32;  // two mebibytes: enough for the disk to be ahead of the socket
  for (std::size_t i = 0; i < kBlocks && i < queue_.size(); ++i) {
    if (queue_[i].block->away != 0) owner_.link_lacks(*this, queue_[i].block);
  }
}

bool ReplicaLink::within_limits(const Settings& settings, std::uint64_t lag_memory) {
  const std::uint64_t held = catches_up_ ? std::min(queued_bytes_, lag_memory) : queued_bytes_;
  // A limit below the size of the backlog would cut off whoever goes on from there.
  if (settings.output_hard != 0 && held > std::max(settings.output_hard, settings.backlog_size)) return false;
  if (settings.output_soft == 0 || held <= settings.output_soft) {
    over_soft_limit_since_.reset();
    return true;
  }
  if (!over_soft_limit_since_) over_soft_limit_since_ = loop_.now();
  return loop_.now() - *over_soft_limit_since_ <= settings.output_soft_for;
}

}  // namespace ashlar::replication
