/// What the user asked for on the command line of ashlar-cli. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cli/connection.h"
#include "cli/reply_format.h"

namespace ashlar::cli {

/// What the program does after it read its options.
enum class Mode : std::uint8_t {
  kCommand,  // run the words after the options, or the REPL when there are none
  kStat,
  kLatency,
  kLatencyHistory,
  kLatencyDistribution,
  kBigKeys,
  kMemKeys,
  kHotKeys,
  kScan,
  kPipe,
  kRdb,           // keys and functions
  kFunctionsRdb,  // functions only
  kReplica,       // the commands that a replica gets
  kCluster,
  kHelp,
  kVersion,
};

enum class StdinUse : std::uint8_t {
  kNone,
  kLastArgument,  // -x
  kTag,           // -X: the first argument that equals the tag
};

/// How RESP3 is wanted: --json takes it when the server has it, -3 insists.
enum class Resp3 : std::uint8_t { kNo, kIfPossible, kRequired };

struct Options {
  ConnectOptions connect;
  Resp3 resp3 = Resp3::kNo;
  bool force_resp2 = false;  // -2, so that --json does not ask for RESP3
  Mode mode = Mode::kCommand;
  OutputFormat output = OutputFormat::kRaw;
  RawDelimiters delimiters;
  std::optional<std::uint64_t> repeat = 1;  // nullopt: for ever
  std::optional<Micros> interval;
  StdinUse stdin_use = StdinUse::kNone;
  std::string stdin_tag;
  bool follow_redirects = false;  // -c
  bool fail_on_error = false;     // -e
  bool quoted_input = false;
  bool show_pushes = false;
  bool verbose = false;
  bool ask_password = false;
  bool auth_warning = false;  // the password stands where other users of the machine can see it
  bool color = true;          // --mono clears it

  std::string pattern;  // of --scan, --bigkeys, --memkeys, --hotkeys; empty: all keys
  std::optional<std::uint64_t> scan_count;
  std::optional<std::uint64_t> memory_samples;
  std::string rdb_path;      // "-": standard output
  Seconds pipe_timeout{30};  // zero: for ever

  std::vector<std::string> command;       // the words after the options
  std::vector<std::string> cluster_args;  // the words after --cluster, without those about passwords
};

/// What the surroundings say before any option is read.
struct Surroundings {
  bool stdout_is_terminal = false;
  std::optional<std::string> password;  // of the environment
};

/// Reads the arguments after the program name, left to right; options end at the first word that is none.
/// Errors: kGeneric - one line for the user ("Unrecognized option or bad number of args for: '--foo'").
[[nodiscard]] Result<Options> parse_options(std::span<const std::string> args, const Surroundings& surroundings);

/// Text of --help.
[[nodiscard]] std::string usage_text();
/// "ashlar-cli 0.1.0".
[[nodiscard]] std::string version_text();

}  // namespace ashlar::cli
