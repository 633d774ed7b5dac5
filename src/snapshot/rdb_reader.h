/// A whole RDB stream, told to a visitor record by record.
///
/// Thread: one; blocks as its source does. Errors: kCorrupt with what is wrong, the key where there is one, and the
/// offset; errors of the source and of the visitor as they are. Records already told stay told. Source:
/// docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "keyspace/entry.h"
#include "snapshot/byte_stream.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_input.h"

namespace ashlar::snapshot {

/// What stands beside a key and its value.
struct EntryExtras {
  std::optional<WallTime> expiry;
  std::optional<Seconds> idle;
  std::optional<std::uint8_t> freq;
};

/// What becomes of values that belong to modules.
enum class ModuleValues : std::uint8_t { kRefuse, kSkip };

/// Hears what a stream holds. An error returned ends the reading. Views are valid during the call.
class RdbVisitor {
 public:
  virtual ~RdbVisitor() = default;
  /// One key. Databases come in any order and may come again.
  [[nodiscard]] virtual Result<void> entry(DbIndex db, std::string_view key, keyspace::OwnedValue value,
                                           const EntryExtras& extras) = 0;
  [[nodiscard]] virtual Result<void> aux(std::string_view /*name*/, std::string_view /*value*/) { return {}; }
  [[nodiscard]] virtual Result<void> select_db(DbIndex /*db*/) { return {}; }
  /// A hint of the size of the selected database; any number may stand there.
  [[nodiscard]] virtual Result<void> resize_db(DbIndex /*db*/, std::uint64_t /*keys*/, std::uint64_t /*expires*/) {
    return {};
  }
  /// A key whose collection has no element: other writers' mistake, skipped like Redis does.
  [[nodiscard]] virtual Result<void> empty_key(DbIndex /*db*/, std::string_view /*key*/) { return {}; }
  [[nodiscard]] virtual ModuleValues module_values() const noexcept { return ModuleValues::kRefuse; }
  /// A key whose value was skipped, with ModuleValues::kSkip.
  [[nodiscard]] virtual Result<void> module_value(DbIndex /*db*/, std::string_view /*key*/,
                                                  const EntryExtras& /*extras*/) {
    return {};
  }
  /// Data of a module beside the keys begins; it is skipped. `module` is the name of its type, 9 characters.
  [[nodiscard]] virtual Result<void> module_aux(std::string_view /*module*/) { return {}; }
  /// Source code of a function library.
  [[nodiscard]] virtual Result<void> function(std::string_view code) = 0;
  /// Something was skipped that the reader of a log should know.
  virtual void warning(std::string_view text) = 0;
  /// About every 2 MB: bytes consumed so far.
  [[nodiscard]] virtual Result<void> progress(std::uint64_t /*consumed*/) { return {}; }
};

/// Where a reader stands, for reports of errors.
struct RdbPlace {
  enum class Part : std::uint8_t {
    kStart,
    kType,
    kExpiry,
    kKey,
    kValue,
    kChecksum,
    kNumber,  // a database, a hint
    kAux,
    kModuleAux,
    kFunction,
  };
  Part part = Part::kStart;
  std::optional<std::uint8_t> type;     // of the value that was begun
  std::optional<std::string_view> key;  // of the value, when it is known
};

class RdbReader {
 public:
  /// `source` and `visitor` must outlive the reader.
  RdbReader(ByteSource& source, RdbVisitor& visitor, const RdbLimits& limits = {});

  /// Reads from the magic to the checksum; `checksum` kNone leaves it unverified.
  [[nodiscard]] Result<void> read(Checksum checksum = Checksum::kCrc64);

  /// Bytes consumed: after read() the length of the RDB part.
  [[nodiscard]] std::uint64_t offset() const noexcept { return input_.offset(); }
  /// What the source gave beyond the RDB part (an append-only tail, an end mark on a socket).
  [[nodiscard]] std::string_view leftover() const noexcept { return input_.leftover(); }
  /// Version in the header, 1..12 or 80; 0 before it was read.
  [[nodiscard]] std::uint16_t version() const noexcept { return version_; }
  /// The stream has a checksum that is not 0; false before the end was read.
  [[nodiscard]] bool has_checksum() const noexcept { return has_checksum_; }
  /// Valid until the next call of read().
  [[nodiscard]] RdbPlace place() const;

 private:
  [[nodiscard]] Result<void> read_header();
  [[nodiscard]] Result<void> read_version(std::string_view digits);
  [[nodiscard]] Result<void> read_trailer(Checksum checksum);
  [[nodiscard]] Result<bool> read_record();  // false after the end mark
  [[nodiscard]] Result<void> read_expiry(std::uint8_t opcode);
  [[nodiscard]] Result<void> read_select_db();
  [[nodiscard]] Result<void> read_resize_db();
  [[nodiscard]] Result<void> read_aux();
  [[nodiscard]] Result<void> read_function();
  [[nodiscard]] Result<void> skip_module_aux();
  [[nodiscard]] Result<void> skip_module_data();
  [[nodiscard]] Result<void> skip_slot_info();
  [[nodiscard]] Result<void> read_entry(std::uint8_t type, std::uint64_t at);
  [[nodiscard]] Result<void> report_progress();

  RdbInput input_;
  RdbVisitor& visitor_;
  std::uint16_t version_ = 0;
  bool has_checksum_ = false;
  RdbPlace::Part part_ = RdbPlace::Part::kStart;
  std::uint8_t type_ = 0;  // in kKey and kValue
  DbIndex db_;
  EntryExtras extras_;  // of the entry that follows
  std::string key_;
  std::string text_;
  std::uint64_t progress_every_;
  std::uint64_t next_progress_;
};

namespace rdb {
/// Whether read_value() knows this type code.
[[nodiscard]] bool reads(std::uint8_t type) noexcept;
/// The value behind type code `type`; `key` and the offset `at` of the type code go into errors. A collection may be
/// empty.
[[nodiscard]] Result<keyspace::OwnedValue> read_value(RdbInput& input, std::uint8_t type, std::string_view key,
                                                      std::uint64_t at);
/// A collection without elements that is no stream: nothing that a key space may hold.
[[nodiscard]] bool is_empty(const keyspace::OwnedValue& value) noexcept;
/// The first bytes of a key or a value for a line of text: escapes as quoted() makes them, no quotes.
[[nodiscard]] std::string shown(std::string_view bytes);
}  // namespace rdb

}  // namespace ashlar::snapshot
