/// The words after `--cluster`: which command, its arguments, its options.
///
/// Pure. Thread: values, any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cli/connection.h"

namespace ashlar::cli::cluster {

enum class Command : std::uint8_t {
  kCreate,
  kCheck,
  kInfo,
  kFix,
  kReshard,
  kRebalance,
  kAddNode,
  kDelNode,
  kCall,
  kSetTimeout,
  kImport,
  kBackup,
  kHelp,
};

enum class CallTarget : std::uint8_t { kAll, kMasters, kReplicas };

struct Options {
  Command command = Command::kHelp;
  Endpoint entry;                      // every command but create and help
  std::vector<Endpoint> nodes;         // create: all of them; add-node: the new node
  std::vector<std::string> arguments;  // what is left: a node id, a command to call, milliseconds, a directory

  std::size_t replicas = 0;
  bool yes = false;
  std::optional<std::string> from;  // node ids with commas between them, or "all"; import: host:port
  std::optional<std::string> to;
  std::optional<std::size_t> slots;
  Millis timeout{60'000};
  std::size_t pipeline = 10;
  double threshold = 2.0;
  std::vector<std::pair<std::string, double>> weights;  // node id or its beginning, weight
  bool use_empty_masters = false;
  bool simulate = false;
  bool replace = false;
  bool copy = false;
  bool as_replica = false;
  std::optional<std::string> master_id;
  bool search_multiple_owners = false;
  bool fix_with_unreachable_masters = false;
  CallTarget call_target = CallTarget::kAll;
  std::string from_user;
  std::optional<std::string> from_password;
  bool ask_from_password = false;
};

/// Errors: kSyntax with a text that names the word at fault; an option that the command does not take is an error.
[[nodiscard]] Result<Options> parse_options(std::span<const std::string> words);

/// "host:port", "[v6]:port" or "v6:port". nullopt when there is no host or no port from 1 to 65535.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

/// What `--cluster help` prints.
[[nodiscard]] std::string help_text();

}  // namespace ashlar::cli::cluster
