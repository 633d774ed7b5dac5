/// The commands of an append-only file, one after the other.
///
/// Stricter than the server's request parser: arrays of bulk strings and annotation lines ("#TS:..."), nothing else,
/// every line end in its place. A file that merely stops early is told apart from one that is wrong. Thread: one.
/// Memory: one command, growing with the bytes that arrive.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "snapshot/byte_stream.h"

namespace ashlar::aof {

struct ReaderLimits {
  /// Longest argument: `proto-max-bulk-len`.
  std::uint64_t argument_bytes_max = 512ULL << 20;
};

class CommandReader {
 public:
  /// `offset`: position of the source's first byte in its file. `source` must outlive the reader.
  CommandReader(snapshot::ByteSource& source, std::uint64_t offset, const ReaderLimits& limits = {})
      : source_(source), limits_(limits), window_offset_(offset) {}

  enum class Next : std::uint8_t {
    kCommand,
    kEnd,        // the file ends behind a record
    kTruncated,  // the file ends inside a record, or is all zeros from there on, as a crash leaves it on some disks
  };
  /// Reads the next command. Errors: kCorrupt "bad file format: ... at offset n"; those of the source.
  [[nodiscard]] Result<Next> next();

  /// Of the last command: at least one argument. Valid until the next call of next().
  [[nodiscard]] std::span<const std::string_view> args() const noexcept { return args_; }
  /// The last annotation behind the last command, '#' included; empty when there is none.
  [[nodiscard]] const std::string& note() const noexcept { return note_; }
  /// Where the last command begins; after kTruncated, where the incomplete record does.
  [[nodiscard]] std::uint64_t record_offset() const noexcept { return record_offset_; }

 private:
  enum class Step : std::uint8_t {
    kDone,
    kShort,  // the data ends
    kBad,    // position_ stands on the byte that is wrong, wrong_ says why
  };
  struct Slice {
    std::size_t at;
    std::size_t size;
  };

  void drop_consumed();
  /// Reads on; false at the end of the data.
  [[nodiscard]] Result<bool> read_more(std::size_t wanted);
  /// True when `n` bytes stand behind position_; false when the data ends before.
  [[nodiscard]] Result<bool> have(std::size_t n);
  [[nodiscard]] Result<Step> record();
  [[nodiscard]] Result<Step> line(std::size_t bytes_max, std::string_view& text);
  [[nodiscard]] Result<Step> number(char mark, std::uint64_t max, std::uint64_t& value);
  [[nodiscard]] Result<Step> argument();
  [[nodiscard]] Step bad(std::size_t at, const char* why) noexcept;
  [[nodiscard]] Result<bool> zeros_to_the_end();

  snapshot::ByteSource& source_;
  ReaderLimits limits_;
  std::string window_;           // from the record on
  std::uint64_t window_offset_;  // of window_[0]
  std::size_t position_ = 0;     // in window_
  std::uint64_t record_offset_ = 0;
  const char* wrong_ = "";
  std::string note_;
  std::vector<Slice> slices_;
  std::vector<std::string_view> args_;
};

}  // namespace ashlar::aof
