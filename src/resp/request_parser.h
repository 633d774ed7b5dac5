/// Bytes of a client as commands: RESP multibulk and inline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::resp {

/// Whether the client has proved who it is; until then it may ask for little memory only.
enum class Login : std::uint8_t { kAuthenticated, kUnauthenticated };

/// What a client may send. Source: redis.conf `proto-max-bulk-len`, and Redis 7 for the others.
struct Limits {
  static constexpr std::size_t kUnauthenticatedArgs = 10;
  static constexpr std::size_t kUnauthenticatedBulk = 16 * 1024;
  /// Longest inline command or header line, in bytes without the line end.
  static constexpr std::size_t kMaxLine = 64 * 1024;

  std::size_t max_bulk_len = 512ULL * 1024 * 1024;  // bytes of one argument
  std::size_t max_args = 0x7fff'ffff;               // arguments of one command
  Login login = Login::kAuthenticated;
};

enum class ParseStatus : std::uint8_t {
  kComplete,  // as many commands as were asked for
  kNeedMore,  // the input ends inside a command, or is empty
  kError,     // no RESP; error() says what. The client is to be answered and dropped
};

struct Parsed {
  ParseStatus status;
  std::size_t consumed;  // bytes of the input that are done with; the next input begins behind them
};

/// The commands of one parse, all their arguments in one flat array. Meant to be kept and reused (one a loop): filling
/// it again does not allocate. The views point into the input and into the parser: they live until either changes.
/// Thread: one.
class CommandBatch {
 public:
  /// Forgets the commands; gives memory back only if there was enormously much.
  void clear();
  [[nodiscard]] std::size_t size() const noexcept { return command_count_; }
  [[nodiscard]] bool empty() const noexcept { return command_count_ == 0; }
  /// Arguments of command `i`, its name first; never empty. i < size().
  [[nodiscard]] std::span<const std::string_view> operator[](std::size_t i) const noexcept {
    return {args_.data() + commands_[i].first_arg, commands_[i].arg_count};
  }
  /// Bytes of input command `i` took, with any empty commands in front of it.
  [[nodiscard]] std::size_t bytes(std::size_t i) const noexcept { return commands_[i].bytes; }

 private:
  friend class RequestParser;
  struct Command {
    std::size_t first_arg;
    std::size_t arg_count;
    std::size_t bytes;
  };
  /// Room for `n` more arguments behind those in use.
  [[nodiscard]] std::string_view* room(std::size_t n) {
    if (args_.size() - arg_count_ < n) [[unlikely]]
      grow(n);
    return args_.data() + arg_count_;
  }
  void grow(std::size_t n);
  /// Makes the first `n` arguments of the room a command.
  void add(std::size_t n, std::size_t bytes) {
    if (command_count_ == commands_.size()) [[unlikely]]
      commands_.resize(2 * command_count_ + 16);
    commands_[command_count_++] = {arg_count_, n, bytes};
    arg_count_ += n;
  }

  // The vectors stay filled and the counts say what is in use, so that nothing is initialised twice.
  std::vector<std::string_view> args_;
  std::vector<Command> commands_;
  std::vector<std::string_view> words_;  // of an inline command being read
  std::size_t arg_count_ = 0;
  std::size_t command_count_ = 0;
};

/// Cuts the input of one connection into commands, and remembers how far it came in a command that is not complete.
///
/// Give it all unconsumed input each time: the same bytes as before behind the consumed ones, with more added; the
/// buffer may have moved. Empty commands ("*0", "*-1", blank lines) are skipped. After kError it stays there.
/// Thread: the connection's. Cost: O(bytes) over the life of the connection however they are cut into pieces; no
/// allocation for an argument or a command in steady state. Memory follows the arguments that arrived.
/// Source: the Redis protocol specification; error texts and leniencies (the bytes behind an argument and behind '\r'
/// are not looked at) as redis-server 7.0.
class RequestParser {
 public:
  /// Up to `max_commands` commands into `batch`, which is cleared first. kComplete: that many were there. kNeedMore and
  /// kError: what precedes is in the batch and is to be run first. The limits hold for all of them, so ask a client
  /// that is not logged in for one at a time.
  [[nodiscard]] Parsed parse(std::string_view input, const Limits& limits, std::size_t max_commands,
                             CommandBatch& batch);

  /// After kNeedMore: bytes that the argument being received still lacks, 0 when unknown. A hint for the reader's next
  /// reservation: announced by the client, so follow it only as bytes arrive.
  [[nodiscard]] std::size_t missing_bytes() const noexcept { return missing_; }
  /// Bytes at the front of the input that belong to a command which is not complete and are understood already.
  [[nodiscard]] std::size_t parsed_bytes() const noexcept { return pos_; }
  /// Of these, the bytes of its complete arguments. Cost: O(arguments).
  [[nodiscard]] std::size_t argument_bytes() const noexcept {
    std::size_t sum = 0;
    for (const Slice& slice : slices_) sum += slice.length;
    return sum;
  }
  /// After kError: the text behind "-ERR ", "Protocol error: ...".
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  struct Slice {
    std::size_t offset;  // from the start of the command
    std::size_t length;
  };
  struct Line {
    ParseStatus status;
    std::string_view text;  // without type byte and line end
  };

  [[nodiscard]] Parsed resume(std::string_view input, const Limits& limits, CommandBatch& batch);
  [[nodiscard]] ParseStatus open_command(std::string_view input, const Limits& limits, CommandBatch& batch);
  [[nodiscard]] ParseStatus read_inline(std::string_view input, CommandBatch& batch);
  [[nodiscard]] ParseStatus read_argument(std::string_view input, const Limits& limits);
  [[nodiscard]] Line take_line(std::string_view input, const char* too_big);
  [[nodiscard]] ParseStatus fail(std::string text);
  void finish_command() noexcept;
  [[nodiscard]] static std::size_t parse_whole(std::string_view input, const Limits& limits, std::size_t max_commands,
                                               CommandBatch& batch);

  // Progress in the command that is not complete. Offsets count from the start of the input.
  std::size_t start_ = 0;      // of the command; 0 between calls
  std::size_t pos_ = 0;        // first byte not understood yet
  std::size_t scanned_ = 0;    // bytes from pos_ on known to hold no line end
  std::size_t args_left_ = 0;  // 0: the header is still to come
  std::size_t bulk_length_ = 0;
  std::size_t missing_ = 0;
  bool in_bulk_ = false;  // pos_ stands on the bytes of an argument of bulk_length_
  bool started_ = false;  // some of the command was seen before: the fast path has nothing to win
  std::vector<Slice> slices_;
  std::forward_list<std::string> decoded_;  // inline arguments with escapes
  std::string error_;
};

}  // namespace ashlar::resp
