#include "snapshot/rdb_reader.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>

#include "base/bytes.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot {
namespace {}  // namespace

namespace rdb {

std::string_view value_type_name(std::uint8_t type) noexcept {
  switch (type) {
    case 0: return "string";
    case 1:
    case 10:
    case 14:
    case 18: return "list";
    case 2:
    case 11:
    case 20: return "set";
    case 3:
    case 5:
    case 12:
    case 17: return "sorted set";
    case 4:
    case 9:
    case 13:
    case 16:
    case 22:
    case 23:
    case 24:
    case 25: return "hash";
    case 6:
    case 7: return "module";
    case 15:
    case 19:
    case 21: return "stream";
    default: return "unknown";
  }
}

std::string_view encoding_name(std::uint8_t type) noexcept {
  constexpr std::string_view kNames[] = {"string",
                                         "list-linked",
                                         "set-hashtable",
                                         "zset-v1",
                                         "hash-hashtable",
                                         "zset-v2",
                                         "module-value",
                                         "module-value",
                                         "",
                                         "hash-zipmap",
                                         "list-ziplist",
                                         "set-intset",
                                         "zset-ziplist",
                                         "hash-ziplist",
                                         "quicklist",
                                         "stream",
                                         "hash-listpack",
                                         "zset-listpack",
                                         "quicklist-v2",
                                         "stream-v2",
                                         "set-listpack",
                                         "stream-v3",
                                         "hash-hashtable-md-pre-release",
                                         "hash-listpack-md-pre-release",
                                         "hash-hashtable-md",
                                         "hash-listpack-md"};
  return type < std::size(kNames) && !kNames[type].empty() ? kNames[type] : "unknown";
}

std::uint16_t version_of_type(std::uint8_t type) noexcept {
  constexpr std::uint8_t kLastOf5 = 15;   // stream
  constexpr std::uint8_t kLastOf70 = 19;  // listpacks, streams with more fields
  constexpr std::uint8_t kLastOf72 = 21;  // sets in listpacks, streams with active times
  if (type <= kLastOf5) return kWriteVersionMin;
  if (type <= kLastOf70) return 10;
  return type <= kLastOf72 ? std::uint16_t{11} : kMaxVersion;
}

namespace {

/// kTypeString.
Result<keyspace::OwnedValue> read_string_value(RdbInput& input) {
  ASH_TRY(auto data, input.string_or_integer());
  keyspace::OwnedValue value;
  std::visit([&](auto& d) { value.data = std::move(d); }, data);
  return value;
}

/// A collection that was read, with the key in the error.
template <typename V>
Result<keyspace::OwnedValue> owned(Result<keyspace::Owned<V>> read, std::string_view key) {
  if (read) return keyspace::OwnedValue{std::move(*read)};
  Error error = std::move(read.error());
  if (error.code == ErrorCode::kCorrupt && !key.empty()) {
    error.detail = fmt::format("value of key {}: {}", quoted(key.substr(0, 128)), error.detail);
  }
  return std::unexpected(std::move(error));
}

}  // namespace

bool reads(std::uint8_t type) noexcept {
  return type == kTypeString || reads_list(type) || reads_set(type) || reads_sorted_set(type) || reads_hash(type) ||
         reads_stream(type);
}

std::string shown(std::string_view bytes) {
  constexpr std::size_t kShownMax = 512;
  const std::string text = quoted(bytes.substr(0, kShownMax));
  return text.substr(1, text.size() - 2);
}

namespace {
struct EmptyCollection {
  bool operator()(std::int64_t) const noexcept { return false; }
  bool operator()(const std::string&) const noexcept { return false; }
  bool operator()(const keyspace::OwnedString&) const noexcept { return false; }
  bool operator()(const keyspace::Owned<keyspace::Stream>&) const noexcept { return false; }
  template <typename V>
  bool operator()(const keyspace::Owned<V>& collection) const noexcept {
    return keyspace::value_size(keyspace::kTypeOf<V>, collection.get()) == 0;
  }
};
}  // namespace

bool is_empty(const keyspace::OwnedValue& value) noexcept { return std::visit(EmptyCollection{}, value.data); }

Result<keyspace::OwnedValue> read_value(RdbInput& input, std::uint8_t type, std::string_view key, std::uint64_t at) {
  constexpr std::uint8_t kLastOfValkey = 22;  // beyond, the dialects differ
  const bool foreign = input.dialect() == RdbDialect::kValkey && type > kLastOfValkey;
  if (foreign) return RdbInput::corrupt(fmt::format("type {} of Valkey is not known", type), at);
  if (type == kTypeString) return read_string_value(input);
  if (reads_list(type)) return owned<keyspace::List>(read_list(input, type), key);
  if (reads_set(type)) return owned<keyspace::Set>(read_set(input, type), key);
  if (reads_sorted_set(type)) return owned<keyspace::SortedSet>(read_sorted_set(input, type), key);
  if (reads_hash(type)) return owned<keyspace::Hash>(read_hash(input, type), key);
  if (reads_stream(type)) return owned<keyspace::Stream>(read_stream(input, type), key);
  return RdbInput::corrupt(fmt::format("value of key {} has type {} ({}), which this build does not store",
                                       quoted(key.substr(0, 128)), type, value_type_name(type)),
                           at);
}

}  // namespace rdb

RdbReader::RdbReader(ByteSource& source, RdbVisitor& visitor, const RdbLimits& limits)
    : input_(source, limits),
      visitor_(visitor),
      progress_every_(limits.progress_every),
      next_progress_(limits.progress_every) {}

Result<void> RdbReader::read(Checksum checksum) {
  ASH_TRY_VOID(read_header());
  for (;;) {
    ASH_TRY(const bool more, read_record());
    if (!more) break;
    ASH_TRY_VOID(report_progress());
  }
  ASH_TRY_VOID(read_trailer(checksum));
  return visitor_.progress(input_.offset());
}

Result<void> RdbReader::report_progress() {
  if (input_.offset() < next_progress_) return {};
  next_progress_ = input_.offset() + progress_every_;
  return visitor_.progress(input_.offset());
}

Result<void> RdbReader::read_header() {
  constexpr std::string_view kMagic = "REDIS";
  constexpr std::string_view kValkeyMagic = "VALKEY";
  char magic[9];
  ASH_TRY_VOID(input_.exact(magic));
  const std::string_view text(magic, sizeof magic);
  if (text.starts_with(kMagic)) return read_version(text.substr(kMagic.size()));
  if (!text.starts_with(kValkeyMagic)) return RdbInput::corrupt("wrong signature, not an RDB file", 0);
  input_.set_dialect(RdbDialect::kValkey);
  return read_version(text.substr(kValkeyMagic.size()));
}

Result<void> RdbReader::read_version(std::string_view digits) {
  const std::uint64_t at = input_.offset() - digits.size();
  std::uint16_t version = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return RdbInput::corrupt("version is not a number", at);
    version = static_cast<std::uint16_t>(version * 10 + (c - '0'));
  }
  const bool valkey = input_.dialect() == RdbDialect::kValkey;
  const bool known =
      valkey ? version == rdb::kValkeyVersion : version >= rdb::kMinVersion && version <= rdb::kMaxVersion;
  if (!known) {
    return RdbInput::corrupt(fmt::format("cannot read RDB version {}, only {} to {} and {} of Valkey", version,
                                         rdb::kMinVersion, rdb::kMaxVersion, rdb::kValkeyVersion),
                             at);
  }
  version_ = version;
  return {};
}

RdbPlace RdbReader::place() const {
  RdbPlace place{.part = part_};
  if (part_ == RdbPlace::Part::kKey || part_ == RdbPlace::Part::kValue) place.type = type_;
  if (part_ == RdbPlace::Part::kValue) place.key = key_;
  return place;
}

Result<void> RdbReader::read_trailer(Checksum checksum) {
  if (version_ < rdb::kChecksumVersion) return {};
  part_ = RdbPlace::Part::kChecksum;
  const std::uint64_t at = input_.offset();
  const std::uint64_t actual = input_.crc();
  char bytes[8];
  ASH_TRY_VOID(input_.exact(bytes));
  const auto stored = load_le<std::uint64_t>(bytes);
  has_checksum_ = stored != 0;
  if (checksum == Checksum::kNone || stored == 0) return {};  // 0: written without
  if (stored == actual) return {};
  return RdbInput::corrupt(fmt::format("RDB CRC error: expected {:016x}, found {:016x}", actual, stored), at);
}

Result<bool> RdbReader::read_record() {
  part_ = RdbPlace::Part::kType;
  const std::uint64_t at = input_.offset();
  ASH_TRY(const std::uint8_t opcode, input_.byte());
  Result<void> done;
  switch (opcode) {
    case rdb::kOpEof: return false;
    case rdb::kOpExpireSeconds:
    case rdb::kOpExpireMs: done = read_expiry(opcode); break;
    case rdb::kOpFreq: {
      ASH_TRY(extras_.freq, input_.byte());
      break;
    }
    case rdb::kOpIdle: {
      ASH_TRY(const std::uint64_t seconds, input_.length());
      constexpr std::uint64_t kIdleMax = 1ULL << 40;  // beyond any clock; keeps arithmetic on it exact
      extras_.idle = Seconds(std::min(seconds, kIdleMax));
      break;
    }
    case rdb::kOpSelectDb: done = read_select_db(); break;
    case rdb::kOpResizeDb: done = read_resize_db(); break;
    case rdb::kOpAux: done = read_aux(); break;
    case rdb::kOpModuleAux: done = skip_module_aux(); break;
    case rdb::kOpFunction2: done = read_function(); break;
    case rdb::kOpFunctionPreGa: return RdbInput::corrupt("function in the form of a pre-release of Redis 7", at);
    case rdb::kOpSlotInfo: done = skip_slot_info(); break;
    default: done = read_entry(opcode, at);
  }
  ASH_TRY_VOID(std::move(done));
  return true;
}

Result<void> RdbReader::read_expiry(std::uint8_t opcode) {
  part_ = RdbPlace::Part::kExpiry;
  char bytes[8];
  if (opcode == rdb::kOpExpireSeconds) {
    ASH_TRY_VOID(input_.exact({bytes, 4}));
    extras_.expiry = WallTime(Seconds(static_cast<std::int32_t>(load_le<std::uint32_t>(bytes))));
    return {};
  }
  const std::uint64_t at = input_.offset();
  ASH_TRY_VOID(input_.exact(bytes));
  const auto ms = static_cast<std::int64_t>(load_le<std::uint64_t>(bytes));
  constexpr std::int64_t kMsMax = std::numeric_limits<std::int64_t>::max() / 1000;  // WallTime counts microseconds
  if (ms > kMsMax || ms < -kMsMax) return RdbInput::corrupt(fmt::format("expiry {} is out of range", ms), at);
  extras_.expiry = wall_from_unix_millis(ms);
  return {};
}

Result<void> RdbReader::read_select_db() {
  part_ = RdbPlace::Part::kNumber;
  const std::uint64_t at = input_.offset();
  ASH_TRY(const std::uint64_t db, input_.length());
  if (db > std::numeric_limits<std::uint32_t>::max()) {
    return RdbInput::corrupt(fmt::format("database {} is out of range", db), at);
  }
  db_ = DbIndex{static_cast<std::uint32_t>(db)};
  return visitor_.select_db(db_);
}

Result<void> RdbReader::read_resize_db() {
  part_ = RdbPlace::Part::kNumber;
  ASH_TRY(const std::uint64_t keys, input_.length());
  ASH_TRY(const std::uint64_t expires, input_.length());
  return visitor_.resize_db(db_, keys, expires);
}

Result<void> RdbReader::read_aux() {
  part_ = RdbPlace::Part::kAux;
  ASH_TRY_VOID(input_.string(key_));
  ASH_TRY_VOID(input_.string(text_));
  return visitor_.aux(key_, text_);
}

Result<void> RdbReader::read_function() {
  part_ = RdbPlace::Part::kFunction;
  ASH_TRY_VOID(input_.string(text_));
  return visitor_.function(text_);
}

Result<void> RdbReader::skip_slot_info() {
  for (int i = 0; i < 3; ++i) {  // slot, keys, expires: hints
    ASH_TRY(const std::uint64_t ignored, input_.length());
    (void)ignored;
  }
  return {};
}

namespace {

/// Parts of a module's data. Frozen.
enum ModuleOpcode : std::uint64_t { kEnd = 0, kSigned = 1, kUnsigned = 2, kFloat = 3, kDouble = 4, kString = 5 };

/// The name of a module's type: nine characters of six bits, above ten bits of its version.
std::string module_type_name(std::uint64_t id) {
  constexpr std::string_view kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr int kVersionBits = 10;
  constexpr int kCharacterBits = 6;
  std::string name(9, '\0');
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto shift = kVersionBits + kCharacterBits * static_cast<int>(name.size() - 1 - i);
    name[i] = kCharacters[id >> shift & 0x3F];
  }
  return name;
}

}  // namespace

Result<void> RdbReader::skip_module_aux() {
  part_ = RdbPlace::Part::kModuleAux;
  ASH_TRY(const std::uint64_t module_id, input_.length());
  const std::uint64_t at = input_.offset();
  ASH_TRY(const std::uint64_t when_opcode, input_.length());
  if (when_opcode != kUnsigned) return RdbInput::corrupt("bad when_opcode", at);
  ASH_TRY([[maybe_unused]] const std::uint64_t when, input_.length());
  const std::string name = module_type_name(module_id);
  ASH_TRY_VOID(visitor_.module_aux(name));
  ASH_TRY_VOID(skip_module_data());
  visitor_.warning(fmt::format("data of module type {} was skipped", name));
  return {};
}

Result<void> RdbReader::skip_module_data() {
  for (;;) {
    const std::uint64_t at = input_.offset();
    ASH_TRY(const std::uint64_t opcode, input_.length());
    char bytes[8];
    switch (opcode) {
      case kEnd: return {};
      case kSigned:
      case kUnsigned: {
        ASH_TRY([[maybe_unused]] const std::uint64_t ignored, input_.length());
        break;
      }
      case kFloat: ASH_TRY_VOID(input_.exact({bytes, 4})); break;
      case kDouble: ASH_TRY_VOID(input_.exact(bytes)); break;
      case kString: ASH_TRY_VOID(input_.skip_string()); break;
      default: return RdbInput::corrupt(fmt::format("unknown module opcode {}", opcode), at);
    }
  }
}

Result<void> RdbReader::read_entry(std::uint8_t type, std::uint64_t at) {
  if (rdb::value_type_name(type) == "unknown") {
    return RdbInput::corrupt(fmt::format("Invalid object type: {}", type), at);
  }
  type_ = type;
  part_ = RdbPlace::Part::kKey;
  ASH_TRY_VOID(input_.string(key_));
  part_ = RdbPlace::Part::kValue;
  if (type == rdb::kTypeModule && visitor_.module_values() == ModuleValues::kSkip) {
    ASH_TRY([[maybe_unused]] const std::uint64_t module_id, input_.length());
    ASH_TRY_VOID(skip_module_data());
    const EntryExtras extras = std::exchange(extras_, EntryExtras{});
    return visitor_.module_value(db_, key_, extras);
  }
  ASH_TRY(auto value, rdb::read_value(input_, type, key_, at));
  const EntryExtras extras = std::exchange(extras_, EntryExtras{});
  if (rdb::is_empty(value)) return visitor_.empty_key(db_, key_);
  return visitor_.entry(db_, key_, std::move(value), extras);
}

}  // namespace ashlar::snapshot
