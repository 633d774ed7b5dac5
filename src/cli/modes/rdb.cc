#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "cli/modes/mode_tools.h"
#include "resp/request_parser.h"

namespace ashlar::cli {
namespace {

constexpr std::size_t kMarkSize = 40;          // of "$EOF:<mark>"
constexpr std::size_t kHeaderMax = 64 * 1024;  // keep-alive line ends before the header included

/// What announces the snapshot.
struct Header {
  std::optional<std::uint64_t> size;  // absent: it ends with `mark`
  std::string mark;
  bool continues = false;  // of PSYNC: there is none, the stream goes on
};

class SnapshotTransfer {
 public:
  explicit SnapshotTransfer(const ModeContext& context) : context_(context) {}

  int run() {
    if (!announce() || !ask_for_snapshot()) return 1;
    const std::string& path = context_.options.rdb_path;
    tell(header_.size
             ? fmt::format("SYNC sent to master, writing {} bytes to '{}'", *header_.size, path)
             : fmt::format("SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{}'", path));
    const bool to_stdout = path == "-";
    const Fd file(to_stdout ? Fd() : Fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644)));
    if (!to_stdout && !file) {
      tell(fmt::format("Error opening '{}': {}", path, std::strerror(errno)));
      return 1;
    }
    const int fd = to_stdout ? STDOUT_FILENO : file.get();
    const bool copied = header_.size ? copy_sized(fd) : copy_marked(fd);
    if (!copied) return 1;
    if (!to_stdout && ::fsync(fd) != 0) {
      tell(fmt::format("Fail to fsync '{}': {}", path, std::strerror(errno)));
      return 1;
    }
    tell(header_.size ? std::string("Transfer finished with success.")
                      : fmt::format("Transfer finished with success after {} bytes", written_));
    return 0;
  }

  /// Shows the stream behind a snapshot of nothing, until it breaks.
  int watch() {
    // An empty filter leaves nothing in the snapshot; a server that does not know it sends all.
    if (configure("capa", "eof") && configure("rdb-filter-only", "") && ask_for_snapshot()) show_stream();
    return 1;
  }

  /// The same for the SYNC or PSYNC of a user.
  int watch(Words words) {
    Connection& link = context_.session.link();
    link.queue(words);
    if (!link.flush()) {
      tell("Error writing to master");
    } else if (read_announcement()) {
      show_stream();
    }
    return 1;
  }

 private:
  void tell(const std::string& text) { say(context_.console.err, text + "\n"); }

  void show_stream() {
    if (header_.continues) return show_commands();
    tell(header_.size ? fmt::format("SYNC with master, discarding {} bytes of bulk transfer...", *header_.size)
                      : std::string("SYNC with master, discarding bytes of bulk transfer until EOF marker..."));
    const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    const bool copied = header_.size ? copy_sized(nowhere.get()) : copy_marked(nowhere.get());
    if (!copied) return;
    // Behind a mark the stream begins when the replica says that it has loaded.
    if (!context_.session.link().send_raw("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n")) return;
    tell("SYNC done. Logging commands from master.");
    show_commands();
  }

  bool configure(const std::string& name, const std::string& value) {
    tell(fmt::format("sending REPLCONF {} {}", name, value));
    const std::vector<std::string> words{"REPLCONF", name, value};
    const auto reply = context_.session.ask(words);
    if (!reply) {
      tell("\nI/O error");
      return false;
    }
    // A server that does not know the option sends the snapshot all the same.
    if (reply->is_error()) tell(fmt::format("REPLCONF {} error: {}", name, reply->text()));
    return true;
  }

  bool announce() {
    if (!configure("capa", "eof") || !configure("rdb-only", "1")) return false;
    return context_.options.mode != Mode::kFunctionsRdb || configure("rdb-filter-only", "functions");
  }

  bool ask_for_snapshot() {
    if (!context_.session.link().send_raw("SYNC\r\n")) return broken("Error writing to master");
    if (!read_announcement()) return false;
    return !header_.continues || broken("Error reading bulk length while SYNCing");
  }

  bool read_announcement() {
    constexpr const char* kComplaint = "Error reading bulk length while SYNCing";
    std::string line;
    while (true) {
      // The server keeps the connection awake with blank lines while it prepares the snapshot.
      const std::size_t start = std::min(line.find_first_not_of("\r\n"), line.size());
      line.erase(0, start);
      const std::size_t end = line.find('\n');
      if (end != std::string::npos) {
        unread_ = line.substr(end + 1);
        line.resize(end);
        if (line.ends_with('\r')) line.pop_back();
        if (!line.starts_with("+FULLRESYNC")) return read_header(line);
        line = std::exchange(unread_, {});
        continue;
      }
      if (line.size() > kHeaderMax) return broken(kComplaint);
      auto bytes = more(kComplaint);
      if (!bytes) return false;
      line += *bytes;
    }
  }

  bool read_header(const std::string& line) {
    if (line.starts_with('-')) {
      tell(fmt::format("SYNC with master failed: {}", line));
      return false;
    }
    if (line.starts_with("+CONTINUE")) {
      header_.continues = true;
      return true;
    }
    if (line.starts_with("$EOF:") && line.size() == 5 + kMarkSize) {
      header_.mark = line.substr(5);
      return true;
    }
    if (line.starts_with('$')) header_.size = parse_u64(std::string_view(line).substr(1));
    return header_.size.has_value() || broken("Error reading bulk length while SYNCing");
  }

  bool broken(const std::string& why) {
    tell(why);
    return false;
  }

  /// The next bytes of the stream; nullopt when it broke, which the user was told, or was interrupted.
  std::optional<std::string> more(const char* complaint = "I/O Error reading RDB payload from socket") {
    if (!unread_.empty()) return std::exchange(unread_, {});
    auto bytes = context_.session.link().receive_raw();
    if (bytes) return std::move(*bytes);
    if (bytes.error().code != ErrorCode::kUnblocked) tell(complaint);
    return std::nullopt;
  }

  bool put(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        tell(fmt::format("Error writing data to file: {}", std::strerror(errno)));
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(n));
      written_ += static_cast<std::uint64_t>(n);
    }
    return true;
  }

  bool copy_sized(int fd) {
    while (written_ < *header_.size) {
      auto bytes = more();
      if (!bytes) return false;
      const std::uint64_t left = *header_.size - written_;
      if (bytes->size() > left) {
        unread_ = bytes->substr(static_cast<std::size_t>(left));
        bytes->resize(static_cast<std::size_t>(left));
      }
      if (!put(fd, *bytes)) return false;
    }
    return true;
  }

  /// The mark is the last thing that comes, so the last bytes are held back until more follow.
  bool copy_marked(int fd) {
    std::string held;
    for (;;) {
      if (held.size() >= kMarkSize && held.ends_with(header_.mark))
        return put(fd, std::string_view(held).substr(0, held.size() - kMarkSize));
      if (held.size() > kMarkSize) {
        const std::size_t free = held.size() - kMarkSize;
        if (!put(fd, std::string_view(held).substr(0, free))) return false;
        held.erase(0, free);
      }
      auto bytes = more();
      if (!bytes) return false;
      held += *bytes;
    }
  }

  void show_commands() {
    resp::RequestParser parser;
    resp::CommandBatch batch;
    std::string input;
    // A primary may send what its own clients may not.
    const resp::Limits limits{.max_bulk_len = std::size_t{1} << 40, .max_args = std::size_t{1} << 31};
    while (auto bytes = more("Error: Server closed the connection")) {
      input += *bytes;
      for (;;) {
        const resp::Parsed parsed = parser.parse(input, limits, 64, batch);
        for (std::size_t i = 0; i < batch.size(); ++i) show(batch[i]);
        input.erase(0, parsed.consumed);
        if (parsed.status == resp::ParseStatus::kError) return tell("Protocol error from master");
        if (parsed.status == resp::ParseStatus::kNeedMore) break;
      }
    }
  }

  void show(std::span<const std::string_view> words) {
    std::string line;
    for (const std::string_view word : words) {
      if (!line.empty()) line += ',';
      line += quoted(word);
    }
    say(context_.console.out, line + "\n");
  }

  const ModeContext& context_;
  Header header_;
  std::string unread_;
  std::uint64_t written_ = 0;
};

}  // namespace

int run_rdb(const ModeContext& context) { return SnapshotTransfer(context).run(); }

int run_replica(const ModeContext& context) { return SnapshotTransfer(context).watch(); }

int run_sync_command(const ModeContext& context, Words words) {
  say(context.console.out, "Entering replica output mode...  (press Ctrl-C to quit)\n");
  return SnapshotTransfer(context).watch(words);
}

}  // namespace ashlar::cli
