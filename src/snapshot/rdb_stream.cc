#include <array>

#include "base/bytes.h"
#include "keyspace/values/stream.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::Stream;
using keyspace::StreamConsumer;
using keyspace::StreamGroup;
using keyspace::StreamId;
using keyspace::StreamPending;

namespace {

// Source: the type codes of Redis 5.0, 7.0 and 7.2. Each adds fields to the one before.
constexpr std::uint8_t kTypeStream1 = 15;
constexpr std::uint8_t kTypeStream2 = 19;  // first id, greatest erased id, entries added; entries read by groups
constexpr std::uint8_t kTypeStream3 = 21;  // active time of consumers
/// Entries read of a group that does not know.
constexpr std::uint64_t kUnknownCount = ~std::uint64_t{0};

void append_id(std::string& out, StreamId id) {
  append_length(out, id.ms);
  append_length(out, id.seq);
}

void append_raw_id(std::string& out, StreamId id) {
  const StreamId::Bytes bytes = id.bytes();
  out.append(bytes.data(), bytes.size());
}

void append_millis(std::string& out, std::int64_t ms) {
  char bytes[8];
  store_le(bytes, static_cast<std::uint64_t>(ms));
  out.append(bytes, sizeof bytes);
}

void append_blob(Chunk& out, std::string_view blob, Compression compression) {
  if (compression == Compression::kLzf && blob.size() > kCompressAbove) {
    out.deferred.push_back({out.bytes.size(), blob.size()});
    out.bytes += blob;
  } else {
    append_string(out.bytes, blob, Compression::kNone);
  }
}

/// Nodes, pending entries and consumers one by one.
class StreamPieces final : public EntryPieces {
 public:
  StreamPieces(const Stream& stream, Compression compression) : stream_(stream), compression_(compression) {}
  Left next(Chunk& out, std::size_t end) override {
    do {
      if (!step(out)) return Left::kNothing;
    } while (out.bytes.size() < end);
    return Left::kMore;
  }

 private:
  enum class Stage : std::uint8_t { kHead, kNodes, kGroup, kPending, kConsumer, kOwned };

  /// False when nothing was left.
  bool step(Chunk& out);
  void append_totals(std::string& out) const;
  void begin_group(std::string& out);
  void begin_consumer(std::string& out);

  const Stream& stream_;
  Compression compression_;
  Stage stage_ = Stage::kHead;
  Stream::Nodes::ConstCursor node_;
  Stream::Groups::const_iterator group_;
  StreamGroup::Pending::ConstCursor pending_;
  StreamGroup::Consumers::const_iterator consumer_;
  keyspace::StreamIdSet::ConstCursor owned_;  // pending entries of the consumer
};

bool StreamPieces::step(Chunk& out) {
  switch (stage_) {
    case Stage::kHead:
      append_length(out.bytes, stream_.nodes().size());
      node_ = stream_.nodes().first();
      stage_ = Stage::kNodes;
      return true;
    case Stage::kNodes:
      if (node_.valid()) {
        append_length(out.bytes, sizeof(StreamId::Bytes));
        append_raw_id(out.bytes, node_.key());
        append_blob(out, node_.value().blob(), compression_);
        node_.next();
        return true;
      }
      append_totals(out.bytes);
      group_ = stream_.groups().begin();
      stage_ = Stage::kGroup;
      return true;
    case Stage::kGroup:
      if (group_ == stream_.groups().end()) return false;
      begin_group(out.bytes);
      return true;
    case Stage::kPending:
      if (pending_.valid()) {
        append_raw_id(out.bytes, pending_.key());
        append_millis(out.bytes, pending_.value().delivered_ms);
        append_length(out.bytes, pending_.value().deliveries);
        pending_.next();
        return true;
      }
      append_length(out.bytes, group_->second.consumers().size());
      consumer_ = group_->second.consumers().begin();
      stage_ = Stage::kConsumer;
      return true;
    case Stage::kConsumer:
      if (consumer_ != group_->second.consumers().end()) {
        begin_consumer(out.bytes);
      } else {
        ++group_;
        stage_ = Stage::kGroup;
      }
      return true;
    case Stage::kOwned:
      if (owned_.valid()) {
        append_raw_id(out.bytes, owned_.key());
        owned_.next();
      } else {
        ++consumer_;
        stage_ = Stage::kConsumer;
      }
      return true;
  }
  __builtin_unreachable();
}

void StreamPieces::append_totals(std::string& out) const {
  append_length(out, stream_.size());
  append_id(out, stream_.last_id());
  append_id(out, stream_.first_id());
  append_id(out, stream_.max_deleted_id());
  append_length(out, stream_.entries_added());
  append_length(out, stream_.groups().size());
}

void StreamPieces::begin_group(std::string& out) {
  const StreamGroup& group = group_->second;
  append_string(out, group_->first, Compression::kNone);
  append_id(out, group.last_id);
  append_length(out, group.entries_read ? static_cast<std::uint64_t>(*group.entries_read) : kUnknownCount);
  append_length(out, group.pending().size());
  pending_ = group.pending().first();
  stage_ = Stage::kPending;
}

void StreamPieces::begin_consumer(std::string& out) {
  const StreamConsumer& consumer = consumer_->second;
  append_string(out, consumer_->first, Compression::kNone);
  append_millis(out, consumer.seen_ms);
  append_length(out, consumer.pending.size());
  owned_ = consumer.pending.first();
  stage_ = Stage::kOwned;
}

Result<StreamId> read_id(RdbInput& input) {
  ASH_TRY(const std::uint64_t ms, input.length());
  ASH_TRY(const std::uint64_t seq, input.length());
  return StreamId{ms, seq};
}

Result<StreamId> read_raw_id(RdbInput& input) {
  StreamId::Bytes bytes;
  ASH_TRY_VOID(input.exact(bytes));
  return StreamId::from_bytes(bytes);
}

Result<std::int64_t> read_millis(RdbInput& input) {
  std::array<char, 8> bytes;
  ASH_TRY_VOID(input.exact(bytes));
  return static_cast<std::int64_t>(load_le<std::uint64_t>(bytes.data()));
}

Result<void> read_nodes(RdbInput& input, Stream& stream) {
  ASH_TRY(const std::uint64_t nodes, input.length());
  std::string key;
  std::string blob;
  for (std::uint64_t i = 0; i < nodes; ++i) {
    const std::uint64_t at = input.offset();
    ASH_TRY_VOID(input.string(key));
    StreamId::Bytes bytes;
    if (key.size() != bytes.size()) return RdbInput::corrupt("stream node whose id has not 16 bytes", at);
    key.copy(bytes.data(), bytes.size());
    ASH_TRY_VOID(input.string(blob));
    if (const auto loaded = stream.load_node(StreamId::from_bytes(bytes), blob); !loaded) {
      return intact(loaded, "Stream listpack", at);
    }
  }
  return {};
}

Result<void> read_totals(RdbInput& input, std::uint8_t type, Stream& stream) {
  const std::uint64_t at = input.offset();
  Stream::Totals totals;
  ASH_TRY(totals.size, input.length());
  ASH_TRY(totals.last_id, read_id(input));
  totals.entries_added = totals.size;
  if (type >= kTypeStream2) {
    ASH_TRY([[maybe_unused]] const StreamId first_id, read_id(input));  // the entries say it
    ASH_TRY(totals.max_deleted_id, read_id(input));
    ASH_TRY(totals.entries_added, input.length());
  }
  if (const auto loaded = stream.load_totals(totals); !loaded) return RdbInput::corrupt(loaded.error().text(), at);
  return {};
}

/// Time and count of a pending entry whose consumer comes later.
using Unowned = ds::OrderedMap<StreamId, StreamPending>;

Result<void> read_consumer(RdbInput& input, std::uint8_t type, StreamGroup& group, Unowned& unowned) {
  const std::uint64_t at = input.offset();
  std::string name;
  ASH_TRY_VOID(input.string(name));
  ASH_TRY(const std::int64_t seen_ms, read_millis(input));
  const StreamGroup::Created created = group.consumer(name, seen_ms);
  if (!created.fresh) return RdbInput::corrupt("Duplicate stream consumer detected", at);
  StreamConsumer& consumer = created.consumer;
  consumer.active_ms = seen_ms;
  if (type >= kTypeStream3) {
    ASH_TRY(const std::int64_t active_ms, read_millis(input));
    consumer.active_ms = active_ms >= 0 ? std::optional(active_ms) : std::nullopt;
  }
  ASH_TRY(const std::uint64_t pending, input.length());
  for (std::uint64_t i = 0; i < pending; ++i) {
    ASH_TRY(const StreamId id, read_raw_id(input));
    const StreamPending* known = unowned.find(id);
    if (known == nullptr) return RdbInput::corrupt("pending entry of a consumer that its group does not have", at);
    StreamPending& entry = group.assign(id, consumer);
    entry.delivered_ms = known->delivered_ms;
    entry.deliveries = known->deliveries;
    unowned.erase(id);
  }
  return {};
}

Result<void> read_group(RdbInput& input, std::uint8_t type, Stream& stream) {
  const std::uint64_t at = input.offset();
  std::string name;
  ASH_TRY_VOID(input.string(name));
  ASH_TRY(const StreamId last_id, read_id(input));
  StreamGroup::EntriesRead entries_read;
  if (type >= kTypeStream2) {
    ASH_TRY(const std::uint64_t n, input.length());
    if (static_cast<std::int64_t>(n) >= 0) entries_read = static_cast<std::int64_t>(n);
  } else {
    entries_read = stream.entries_added_until(last_id);
  }
  StreamGroup* group = stream.create_group(name, last_id, entries_read);
  if (group == nullptr) return RdbInput::corrupt("stream group that is there twice", at);
  ASH_TRY(const std::uint64_t pending, input.length());
  Unowned unowned;
  for (std::uint64_t i = 0; i < pending; ++i) {
    ASH_TRY(const StreamId id, read_raw_id(input));
    StreamPending entry;
    ASH_TRY(entry.delivered_ms, read_millis(input));
    ASH_TRY(entry.deliveries, input.length());
    if (!unowned.insert(id, entry).fresh) return RdbInput::corrupt("pending entry that is there twice", at);
  }
  ASH_TRY(const std::uint64_t consumers, input.length());
  for (std::uint64_t i = 0; i < consumers; ++i) ASH_TRY_VOID(read_consumer(input, type, *group, unowned));
  if (!unowned.empty()) return RdbInput::corrupt("pending entry without a consumer", at);
  return {};
}

}  // namespace

// Code 21 would add one field, which Redis 7.0 does not read.
std::uint8_t stream_type(const Stream& /*value*/) noexcept { return kTypeStream2; }

bool reads_stream(std::uint8_t type) noexcept {
  return type == kTypeStream1 || type == kTypeStream2 || type == kTypeStream3;
}

void append_stream(Chunk& out, const Stream& value, Compression compression) {
  (void)StreamPieces(value, compression).next(out, EntryPieces::kNoEnd);
}

std::unique_ptr<EntryPieces> stream_pieces(const Stream& value, Compression compression) {
  return std::make_unique<StreamPieces>(value, compression);
}

Result<Owned<Stream>> read_stream(RdbInput& input, std::uint8_t type) {
  Owned<Stream> stream(new Stream());
  ASH_TRY_VOID(read_nodes(input, *stream));
  ASH_TRY_VOID(read_totals(input, type, *stream));
  ASH_TRY(const std::uint64_t groups, input.length());
  for (std::uint64_t i = 0; i < groups; ++i) ASH_TRY_VOID(read_group(input, type, *stream));
  return stream;
}

}  // namespace ashlar::snapshot::rdb
