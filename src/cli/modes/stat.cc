#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/modes/info_fields.h"
#include "cli/modes/mode_tools.h"

namespace ashlar::cli {
namespace {

constexpr int kHeaderEvery = 20;  // lines

constexpr std::string_view kHeader =
    "------- data ------ --------------------- load -------------------- - child -\n"
    "keys       mem      clients blocked requests            connections          \n";

std::string_view child_activity(std::string_view info) {
  const bool save = info_number(info, "rdb_bgsave_in_progress") != 0;
  const bool aof = info_number(info, "aof_rewrite_in_progress") != 0;
  if (info_number(info, "loading") != 0) return "LOAD";
  if (save && aof) return "SAVE+AOF";
  if (save) return "SAVE";
  return aof ? "AOF" : "";
}

std::string stat_line(std::string_view info, std::int64_t requests_before) {
  const std::int64_t requests = info_number(info, "total_commands_processed");
  std::string line = fmt::format("{:<11}", info_key_count(info));
  line += fmt::format("{:<8}", human_bytes(static_cast<std::uint64_t>(info_number(info, "used_memory"))));
  line += fmt::format(" {:<8}", info_number(info, "connected_clients"));
  line += fmt::format("{:<8}", info_number(info, "blocked_clients"));
  line += fmt::format("{:<19}", fmt::format("{} (+{})", requests, requests - requests_before));
  line += fmt::format(" {:<12}", info_number(info, "total_connections_received"));
  line += child_activity(info);
  return line + "\n";
}

}  // namespace

int run_stat(const ModeContext& context) {
  const std::vector<std::string> words{"INFO"};
  std::optional<std::int64_t> requests;
  for (int line = 0;; ++line) {
    const auto answer = ask_patiently(context, words);
    if (!answer) {
      say(context.console.err, fmt::format("Error: {}\n", answer.error().text()));
      return 1;
    }
    const resp::Value& info = answer->reply;
    if (info.is_error()) {
      say(context.console.out, fmt::format("ERROR: {}\n", info.text()));
      return 1;
    }
    const std::int64_t now = info_number(info.text(), "total_commands_processed");
    if (line % kHeaderEvery == 0) say(context.console.out, kHeader);
    say(context.console.out, stat_line(info.text(), requests.value_or(now)));
    requests = now;
    pause_for(context.options.interval.value_or(Seconds(1)));
  }
}

}  // namespace ashlar::cli
