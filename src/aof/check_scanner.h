/// An append-only file, record by record, for `ashlar-check-aof`: where it is good until, and what is wrong behind
/// that.
///
/// Reads what the loader reads (command_reader.h) but keeps nothing: an argument is counted past, not held, so a wrong
/// length costs no memory. Errors of the bytes are told in the words of redis-check-aof. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "snapshot/byte_stream.h"

namespace ashlar::aof {

class CheckScanner {
 public:
  /// `offset`: position of the source's first byte in its file. `name` names the file in errors. `source` and `name`
  /// must outlive the scanner.
  CheckScanner(snapshot::ByteSource& source, std::uint64_t offset, std::string_view name)
      : source_(source), name_(name), buffer_(kBufferBytes), base_(offset), good_until_(offset) {}

  enum class Found : std::uint8_t {
    kRecord,  // a command, or a line that begins with '#'
    kEnd,     // of the file, behind a record; a transaction may be open
    kWrong,   // the file is no good from good_until() on; wrong() may say why
  };
  /// Reads the next record. Errors: those of the source.
  [[nodiscard]] Result<Found> next();

  /// The line that begins with '#', without its line end, when the record was one; else empty. Valid until next().
  [[nodiscard]] std::string_view note() const noexcept { return note_; }
  /// Everything before is whole records, no transaction is open there, and the last record was not counted in.
  [[nodiscard]] std::uint64_t good_until() const noexcept { return good_until_; }
  /// Lines that were complete, plus one.
  [[nodiscard]] std::uint64_t line() const noexcept { return line_; }
  /// After kWrong or kEnd: the fault and its offset; empty when the file just ends between two lines.
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }

 private:
  static constexpr std::size_t kBufferBytes = 64 << 10;

  [[nodiscard]] std::uint64_t position() const noexcept { return base_ + at_; }
  [[nodiscard]] Result<std::optional<char>> peek();
  /// Up to `bytes_max` bytes, or up to and with a line end.
  [[nodiscard]] Result<void> line_text(std::size_t bytes_max);
  [[nodiscard]] Result<bool> record();
  [[nodiscard]] Result<bool> annotation();
  [[nodiscard]] Result<std::optional<std::int64_t>> number(char mark);
  [[nodiscard]] Result<bool> argument(std::string& head);
  [[nodiscard]] bool transaction(std::string_view command);
  [[nodiscard]] bool line_end(std::string_view rest);
  /// Notes a fault at the place of the last line or argument that was begun.
  [[nodiscard]] bool fault(std::string_view what);

  snapshot::ByteSource& source_;
  std::string_view name_;
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::size_t at_ = 0;
  std::uint64_t base_;
  std::uint64_t good_until_;
  std::uint64_t begun_ = 0;  // offset of what is being read
  std::uint64_t line_ = 1;
  bool in_transaction_ = false;
  std::string text_;
  std::string note_;
  std::string wrong_;
};

}  // namespace ashlar::aof
