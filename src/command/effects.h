/// What a command did, for the change log: nothing, itself as received, or other commands with the same deterministic
/// effect. Filled by the handler while the slots are locked; recorded by the dispatcher before they are released.
/// Thread: the loop that runs the command. Reused; allocates only for commands that are not recorded as received.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::command {

class Effects {
 public:
  /// One recorded command.
  using Record = std::vector<std::string>;

  void reset() noexcept {
    changes_ = 0;
    mode_ = Mode::kAsReceived;
    records_.clear();
    secrets_.clear();
  }

  /// The dataset changed by `n` keys or elements. Without any, nothing is recorded.
  void changed(std::uint64_t n = 1) noexcept { changes_ += n; }

  /// Records this instead of the command as received. May be called again for a series, which is then recorded
  /// atomically.
  void instead(std::initializer_list<std::string_view> args) {
    mode_ = Mode::kRecords;
    Record record;
    record.reserve(args.size());
    for (const std::string_view arg : args) record.emplace_back(arg);
    records_.push_back(std::move(record));
  }
  void instead(Record record) {
    mode_ = Mode::kRecords;
    records_.push_back(std::move(record));
  }
  /// The change is not recorded (the caller has recorded it otherwise).
  void not_recorded() noexcept { mode_ = Mode::kNothing; }
  /// Records the command as received although no key changed.
  void force_as_received() noexcept {
    mode_ = Mode::kAsReceived;
    forced_ = true;
  }

  /// The argument at `position` is a secret: the logs of commands and MONITOR show "(redacted)" in its place.
  void redact(std::size_t position) { secrets_.push_back(position); }
  [[nodiscard]] const std::vector<std::size_t>& redacted() const noexcept { return secrets_; }

  /// The same, for replicas but not for the append-only file: what leaves no trace in the dataset (PUBLISH).
  void force_for_replicas() noexcept {
    force_as_received();
    for_replicas_only_ = true;
  }

  [[nodiscard]] bool for_replicas_only() const noexcept { return for_replicas_only_; }
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  [[nodiscard]] bool records_as_received() const noexcept {
    return mode_ == Mode::kAsReceived && (changes_ > 0 || forced_);
  }
  [[nodiscard]] const std::vector<Record>& records() const noexcept { return records_; }
  /// Ends a command: forgets a forced recording too.
  void finish() noexcept {
    reset();
    forced_ = false;
    for_replicas_only_ = false;
  }

 private:
  enum class Mode : std::uint8_t { kAsReceived, kRecords, kNothing };
  std::uint64_t changes_ = 0;
  Mode mode_ = Mode::kAsReceived;
  bool forced_ = false;
  bool for_replicas_only_ = false;
  std::vector<Record> records_;
  std::vector<std::size_t> secrets_;
};

}  // namespace ashlar::command
