#include <fmt/format.h>

#include "cli/cluster/commands.h"
#include "cli/cluster/rdb_fetch.h"
#include "cli/cluster/report.h"

namespace ashlar::cli::cluster {
namespace {

std::string slots_json(const SlotSet& slots) {
  std::string out;
  for (const SlotRange& range : slots.ranges())
    out += fmt::format("{}[{},{}]", out.empty() ? "" : ",", range.first.value(), range.last.value());
  return out;
}

/// One object a node, with the field names of redis-cli's nodes.json.
std::string nodes_json(const Topology& topology, std::size_t problems) {
  std::string out = "[";
  for (const ClusterNode& node : topology.nodes) {
    const std::string master = node.info.master ? fmt::format("\"{}\"", node.info.master->hex()) : "null";
    out += fmt::format(
        "{}\n  {{\n"
        "    \"name\": \"{}\",\n    \"host\": \"{}\",\n    \"port\": {},\n    \"replicate\": {},\n"
        "    \"slots\": [{}],\n    \"slots_count\": {},\n    \"flags\": \"{}\",\n    \"current_epoch\": {}{}\n  }}",
        out.size() == 1 ? "" : ",", node.info.id.hex(), node.info.host, node.info.port, master, slots_json(node.slots),
        node.slots.size(), node.info.is_master() ? "master" : "slave", node.info.config_epoch,
        problems == 0 ? "" : fmt::format(",\n    \"cluster_errors\": {}", problems));
  }
  return out + "\n]\n";
}

/// The data files of a backup. They have other names until all of them are whole, so that a failure leaves an older
/// backup in the same directory as it was.
class DataFiles {
 public:
  DataFiles(FileSystem& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}
  ~DataFiles() {
    for (const std::string& path : paths_) static_cast<void>(fs_.remove(unfinished(path)));
  }
  DataFiles(const DataFiles&) = delete;
  DataFiles& operator=(const DataFiles&) = delete;

  [[nodiscard]] Result<std::uint64_t> fetch(const ConnectOptions& node, const std::string& path) {
    paths_.push_back(path);
    return fetch_rdb(node, fs_, unfinished(path));
  }
  [[nodiscard]] Result<void> put_in_place() {
    for (const std::string& path : paths_) ASH_TRY_VOID(fs_.rename(unfinished(path), path));
    return fs_.sync_directory(directory_);
  }

 private:
  static std::string unfinished(const std::string& path) { return path + ".tmp"; }

  FileSystem& fs_;
  std::string directory_;
  std::vector<std::string> paths_;
};

}  // namespace

Result<Outcome> run_backup(Session& session) {
  Terminal& terminal = session.terminal;
  const std::string& directory = session.options.arguments.front();
  const auto fs = make_posix_file_system();
  ASH_TRY(const Topology topology, load_topology(session.links, session.options.entry));
  const Findings findings = show_check(session, topology, Tables::kShow);
  ASH_TRY_VOID(fs->make_directory(directory));
  DataFiles files(*fs, directory);
  for (const ClusterNode* master : topology.masters()) {
    const std::string path = fmt::format("{}/redis-node-{}-{}-{}.rdb", directory, master->info.host, master->info.port,
                                         master->info.id.hex());
    terminal.line(Style::kHeading, fmt::format(">>> Node {} -> Saving RDB...", master->info.address()));
    ASH_TRY(const std::uint64_t bytes,
            files.fetch(session.links.base().with_endpoint(endpoint_of(master->info)), path));
    terminal.line(fmt::format("{} bytes written to '{}'", bytes, path));
  }
  ASH_TRY_VOID(files.put_in_place());
  const std::string map = directory + "/nodes.json";
  terminal.line(fmt::format("Saving cluster configuration to: {}", map));
  ASH_TRY_VOID(write_file_durably(*fs, map, nodes_json(topology, findings.problems())));
  if (!findings.healthy())
    terminal.line(Style::kWarning,
                  "*** The cluster has problems (see above): restore this backup with care, it may not be whole.");
  terminal.line(Style::kGood, fmt::format("[OK] Backup created into: {}", directory));
  return Outcome::kDone;
}

}  // namespace ashlar::cli::cluster
