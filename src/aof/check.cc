#include "aof/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "aof/check_scanner.h"
#include "aof/manifest.h"
#include "base/bytes.h"

namespace ashlar::aof {
namespace {

/// One file of a log.
struct Part {
  std::string name;  // as it is told
  std::string path;
  bool last;
};

enum class Verdict : std::uint8_t { kGood, kEmpty, kTruncated, kTruncatedAtTime };

/// The reason in an error of the system, behind call and path.
std::string_view reason(const Error& error) {
  const std::string_view text = error.text();
  const std::size_t colon = text.rfind(": ");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

bool is_rdb(std::string_view head) {
  constexpr std::size_t kHeaderBytes = 8;  // less is no RDB stream, whatever it begins with
  return head.size() >= kHeaderBytes && (head.starts_with("REDIS") || head.starts_with("VALKEY"));
}

class LogChecker {
 public:
  LogChecker(const Repair& repair, FileSystem& fs, WallTime now, const CheckTerminal& terminal)
      : repair_(repair), fs_(fs), now_(now), terminal_(terminal) {}

  /// nullopt when the log is not sane; why has been told.
  std::optional<Verdict> check(const std::string& path) {
    const auto file = fs_.open(path, OpenMode::kRead);
    if (!file) return give_up("Cannot open file {}: {}\n", path, reason(file.error()));
    // A damaged manifest must not be taken for commands, which --fix would cut away.
    const Result<bool> manifest = path.ends_with(".manifest") ? true : is_manifest(**file);
    if (!manifest) return give_up("Cannot read file: {}\n", path);
    return *manifest ? check_parts(path) : check_one(path);
  }

 private:
  template <typename... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) const {
    terminal_.out(fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  std::nullopt_t give_up(fmt::format_string<Args...> text, Args&&... args) const {
    say(text, std::forward<Args>(args)...);
    return std::nullopt;
  }

  /// A manifest names a file in its first line that is no comment.
  static Result<bool> is_manifest(File& file) {
    constexpr std::size_t kStep = 4096;
    bool at_line_begin = true;
    bool in_comment = false;
    std::string word;
    for (std::uint64_t offset = 0;;) {
      ASH_TRY(const std::string bytes, file.read_at(offset, kStep));
      if (bytes.empty()) return false;
      offset += bytes.size();
      for (const char c : bytes) {
        if (at_line_begin) in_comment = c == '#';
        at_line_begin = c == '\n';
        if (in_comment) continue;
        word += c;
        constexpr std::string_view kWord = "file";
        if (!kWord.starts_with(word)) return false;
        if (word == kWord) return true;
      }
    }
  }

  std::optional<Verdict> check_one(const std::string& path) {
    say("Start checking Old-Style AOF\n");
    const auto verdict = check_part({path, path, true}, Form::kAny);
    if (verdict) tell_verdict("AOF", path, *verdict);
    return verdict;
  }

  std::optional<Verdict> check_parts(const std::string& path) {
    say("Start checking Multi Part AOF\n");
    const auto text = read_file(fs_, path);
    if (!text) return give_up("Cannot read file: {}\n", path);
    const auto manifest = parse_manifest(*text);
    if (!manifest) return give_up("\n*** FATAL AOF MANIFEST FILE ERROR ***\n{}\n", manifest.error().text());
    const std::string folder = directory_of(path);
    const auto& increments = manifest->increments;
    if (manifest->base) {
      const Part base{manifest->base->name, folder + "/" + manifest->base->name, increments.empty()};
      const auto rdb = begins_with_rdb(base.path);
      if (!rdb) return std::nullopt;
      say("Start to check BASE AOF ({} format).\n", *rdb ? "RDB" : "RESP");
      const auto verdict = check_part(base, Form::kAny);
      if (!verdict) return std::nullopt;
      tell_verdict("BASE AOF", base.name, *verdict);
    }
    if (!increments.empty()) say("Start to check INCR files.\n");
    for (const ManifestFile& increment : increments) {
      const Part part{increment.name, folder + "/" + increment.name, &increment == &increments.back()};
      const auto verdict = check_part(part, Form::kCommands);
      if (!verdict) return std::nullopt;
      tell_verdict("INCR AOF", part.name, *verdict);
    }
    say("All AOF files and manifest are valid\n");
    return Verdict::kGood;
  }

  std::optional<bool> begins_with_rdb(const std::string& path) const {
    const auto file = fs_.open(path, OpenMode::kRead);
    if (!file) return give_up("Cannot open file {}: {}\n", path, reason(file.error()));
    const auto head = (*file)->read_at(0, 9);
    if (!head) return give_up("Cannot read file: {}\n", path);
    return is_rdb(*head);
  }

  /// Whether an RDB stream may stand in front.
  enum class Form : std::uint8_t { kAny, kCommands };

  std::optional<Verdict> check_part(const Part& part, Form form) {
    const auto file = fs_.open(part.path, OpenMode::kRead);
    if (!file) return give_up("Cannot open file {}: {}, aborting...\n", part.path, reason(file.error()));
    const auto size = (*file)->size();
    const auto head = (*file)->read_at(0, 9);
    if (!size || !head) return give_up("Cannot stat file: {}, aborting...\n", part.name);
    if (*size == 0) return Verdict::kEmpty;
    std::uint64_t offset = 0;
    if (form == Form::kAny && is_rdb(*head)) {
      snapshot::FileSource source(**file);
      const auto length = snapshot::check_rdb(source, part.name, now_, terminal_.out);
      if (!length) return give_up("RDB preamble of AOF file is not sane, aborting.\n");
      say("RDB preamble is OK, proceeding with AOF tail...\n");
      offset = *length;
    }
    return check_commands(part, **file, *size, offset);
  }

  std::optional<Verdict> check_commands(const Part& part, File& file, std::uint64_t size, std::uint64_t offset) {
    snapshot::FileSource source(file, offset);
    CheckScanner scanner(source, offset, part.name);
    for (;;) {
      const auto found = scanner.next();
      if (!found) return give_up("Failed to read from AOF {}, aborting...\n", part.name);
      if (*found != CheckScanner::Found::kRecord) break;
      const auto later = is_too_late(scanner.note());
      if (!later) return give_up("Invalid timestamp annotation\n");
      if (*later) return cut_at_time(part, scanner.good_until());
    }
    if (!scanner.wrong().empty()) say("{}\n", scanner.wrong());
    const std::uint64_t rest = size - std::min(size, scanner.good_until());
    if (rest == 0 && repair_.kind == Repair::Kind::kCutAtTime) {
      say("Truncate nothing in AOF {} to timestamp {}\n", part.name, repair_.seconds);
      return Verdict::kGood;
    }
    say("AOF analyzed: filename={}, size={}, ok_up_to={}, ok_up_to_line={}, diff={}\n", part.name, size,
        scanner.good_until(), scanner.line(), rest);
    if (rest == 0) return Verdict::kGood;
    return cut_tail(part, size, scanner.good_until());
  }

  /// Whether a line of the file says that what follows was written after the time asked for. nullopt: cannot be read.
  [[nodiscard]] std::optional<bool> is_too_late(std::string_view note) const {
    constexpr std::string_view kMark = "#TS:";
    if (repair_.kind != Repair::Kind::kCutAtTime || !note.starts_with(kMark)) return false;
    const auto seconds = parse_i64(note.substr(kMark.size()));
    if (!seconds) return std::nullopt;
    return *seconds > repair_.seconds;
  }

  std::optional<Verdict> cut_at_time(const Part& part, std::uint64_t at) {
    if (at == 0) {
      return give_up("AOF {} has nothing before timestamp {}, aborting...\n", part.path, repair_.seconds);
    }
    if (!part.last) {
      return give_up(
          "Failed to truncate AOF {} to timestamp {} to offset {} because it is not the last file.\n"
          "If you insist, delete all files behind it, and their lines in the manifest, by hand; then run "
          "ashlar-check-aof again.\n",
          part.path, repair_.seconds, at);
    }
    if (!truncate(part.path, at)) {
      return give_up("Failed to truncate AOF {} to timestamp {}\n", part.path, repair_.seconds);
    }
    return Verdict::kTruncatedAtTime;
  }

  std::optional<Verdict> cut_tail(const Part& part, std::uint64_t size, std::uint64_t at) {
    if (repair_.kind != Repair::Kind::kCutTail) {
      return give_up("AOF {} is not valid. Use the --fix option to try fixing it.\n", part.name);
    }
    if (!part.last) return give_up("Failed to truncate AOF {} because it is not the last file\n", part.name);
    say("This will shrink the AOF {} from {} bytes, with {} bytes, to {} bytes\n", part.name, size, size - at, at);
    say("Continue? [y/N]: ");
    const std::string answer = terminal_.answer();
    if (!answer.starts_with('y') && !answer.starts_with('Y')) return give_up("Aborting...\n");
    if (!truncate(part.path, at)) return give_up("Failed to truncate AOF {}\n", part.name);
    return Verdict::kTruncated;
  }

  [[nodiscard]] bool truncate(const std::string& path, std::uint64_t at) const {
    const auto file = fs_.open(path, OpenMode::kAppend);
    return file && (*file)->truncate(at) && (*file)->sync();
  }

  void tell_verdict(std::string_view what, std::string_view name, Verdict verdict) const {
    switch (verdict) {
      case Verdict::kGood: return say("{} {} is valid\n", what, name);
      case Verdict::kEmpty: return say("{} {} is empty\n", what, name);
      case Verdict::kTruncated: return say("Successfully truncated AOF {}\n", name);
      case Verdict::kTruncatedAtTime:
        return say("Successfully truncated AOF {} to timestamp {}\n", name, repair_.seconds);
    }
  }

  Repair repair_;
  FileSystem& fs_;
  WallTime now_;
  const CheckTerminal& terminal_;
};

}  // namespace

int check_aof(const std::string& path, const Repair& repair, FileSystem& fs, WallTime now,
              const CheckTerminal& terminal) {
  return LogChecker(repair, fs, now, terminal).check(path) ? 0 : 1;
}

int run_check_aof(const std::vector<std::string>& args, FileSystem& fs, WallTime now, const CheckTerminal& terminal) {
  Repair repair;
  if (args.size() == 1 && (args[0] == "-v" || args[0] == "--version")) {
    terminal.out("ashlar-check-aof " ASHLAR_VERSION "\n");
    return 0;
  }
  if (args.size() == 1 && args[0] != "--help") return check_aof(args[0], repair, fs, now, terminal);
  if (args.size() == 2 && args[0] == "--fix") {
    repair.kind = Repair::Kind::kCutTail;
    return check_aof(args[1], repair, fs, now, terminal);
  }
  if (args.size() == 3 && args[0] == "--truncate-to-timestamp") {
    const auto seconds = parse_i64(args[1]);
    if (!seconds || *seconds == 0) {
      terminal.out("Invalid timestamp, aborting...\n");
      return 1;
    }
    repair = {Repair::Kind::kCutAtTime, *seconds};
    return check_aof(args[2], repair, fs, now, terminal);
  }
  terminal.out("Usage: ashlar-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n");
  return 1;
}

}  // namespace ashlar::aof
