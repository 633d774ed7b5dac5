#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/cluster/commands.h"
#include "cli/cluster/move_plan.h"
#include "cli/cluster/move_run.h"
#include "cli/cluster/report.h"

namespace ashlar::cli::cluster {
namespace {

class Resharding {
 public:
  explicit Resharding(Session& session) : session_(session), terminal_(session.terminal) {}

  Result<Outcome> run() {
    ASH_TRY(topology_, load_settled(session_, session_.options.entry, Seconds(10)));
    if (!show_check(session_, topology_, Tables::kShow).healthy()) {
      terminal_.line(Style::kBad, "*** Please fix your cluster problems before resharding");
      return Outcome::kFailed;
    }
    ASH_TRY(const std::size_t count, slot_count());
    ASH_TRY_VOID(find_target());
    ASH_TRY_VOID(find_sources());
    std::vector<SlotSource> sources;
    for (const ClusterNode* source : sources_) sources.push_back({source->info.id, source->slots});
    ASH_TRY(const std::vector<SlotMove> moves, plan_reshard(sources, count));
    show_plan(moves);
    if (!accepted()) return Outcome::kFailed;
    return carry_out(moves);
  }

 private:
  std::unexpected<Error> aborted(std::string_view why) { return fail(fmt::format("{}, operation aborted.", why)); }

  Result<std::size_t> slot_count() {
    if (session_.options.slots) return *session_.options.slots;
    while (true) {
      const auto answer = terminal_.ask(fmt::format("How many slots do you want to move (from 1 to {})? ", kSlotCount));
      if (!answer) return aborted("No number of slots given");
      const auto count = parse_u64(*answer);
      if (count && *count >= 1 && *count <= kSlotCount) return static_cast<std::size_t>(*count);
    }
  }

  Result<const ClusterNode*> master(std::string_view id) const {
    auto node = topology_.find_prefix(id);
    if (node && (*node)->info.is_master()) return *node;
    return fail(ErrorCode::kNotFound, fmt::format("The specified node ({}) is not known or not a master{}", id,
                                                  node || node.error().detail.find("several") == std::string::npos
                                                      ? ""
                                                      : ": the beginning is that of several IDs"));
  }

  Result<void> find_target() {
    if (session_.options.to) {
      ASH_TRY(target_, master(*session_.options.to));
      return {};
    }
    while (true) {
      const auto answer = terminal_.ask("What is the receiving node ID? ");
      if (!answer) return aborted("No receiving node given");
      const auto node = master(*answer);
      if (node) {
        target_ = *node;
        return {};
      }
      terminal_.line(Style::kBad, fmt::format("*** {}, please retry.", node.error().text()));
    }
  }

  Result<void> find_sources() {
    if (session_.options.from) {
      std::string_view list = *session_.options.from;
      while (true) {
        const std::size_t comma = std::min(list.find(','), list.size());
        ASH_TRY_VOID(add_source(list.substr(0, comma)));
        if (comma == list.size()) break;
        list.remove_prefix(comma + 1);
      }
    } else {
      ASH_TRY_VOID(ask_sources());
    }
    if (sources_.empty()) return aborted("No source nodes given");
    return {};
  }

  Result<void> ask_sources() {
    terminal_.print(
        "Please enter all the source node IDs.\n"
        "  Type 'all' to take slots from all the other masters.\n"
        "  Type 'done' after the last one.\n");
    while (true) {
      const auto answer = terminal_.ask(fmt::format("Source node #{}: ", sources_.size() + 1));
      if (!answer) return aborted("No source nodes given");
      if (iequals(*answer, "done")) return {};
      const auto added = add_source(*answer);
      if (!added) terminal_.line(Style::kBad, fmt::format("*** {}, please retry.", added.error().text()));
      if (added && iequals(*answer, "all")) return {};
    }
  }

  Result<void> add_source(std::string_view id) {
    if (iequals(id, "all")) {
      sources_.clear();
      for (const ClusterNode* node : topology_.masters()) {
        if (node != target_ && !node->slots.empty()) sources_.push_back(node);
      }
      return {};
    }
    ASH_TRY(const ClusterNode* node, master(id));
    if (node == target_) return fail("It is not possible to use the target node as source node");
    if (std::find(sources_.begin(), sources_.end(), node) == sources_.end()) sources_.push_back(node);
    return {};
  }

  void show_plan(const std::vector<SlotMove>& moves) {
    constexpr std::size_t kIndent = 4;
    terminal_.line(fmt::format("\nReady to move {} slots.", moves.size()));
    terminal_.line("  Source nodes:");
    for (const ClusterNode* source : sources_) terminal_.print(node_text(topology_, *source, kIndent));
    terminal_.line("  Destination node:");
    terminal_.print(node_text(topology_, *target_, kIndent));
    terminal_.line("  Resharding plan:");
    for (const SlotMove& move : moves)
      terminal_.line(fmt::format("    Moving slot {} from {}", move.slot.value(), move.from.hex()));
  }

  bool accepted() {
    if (session_.options.yes) return true;
    const auto answer = terminal_.ask("Do you want to proceed with the proposed reshard plan (yes/no)? ");
    if (answer && iequals(*answer, "yes")) return true;
    terminal_.line("Nothing was changed.");
    return false;
  }

  Result<Outcome> carry_out(const std::vector<SlotMove>& moves) {
    Progress progress(moves.size(), ProgressUnit::kSlots, session_.clock.mono());
    const NodeId to = target_->info.id;
    if (move_slots(session_, topology_, moves, to, MoveLog::kLines, progress) == Outcome::kFailed)
      return Outcome::kFailed;
    if (terminal_.live())
      terminal_.line(Style::kGood, fmt::format("[OK] Moved {}.", progress.summary(session_.clock.mono())));
    ASH_TRY_VOID(wait_for_agreement(session_));
    return Outcome::kDone;
  }

  Session& session_;
  Terminal& terminal_;
  Topology topology_;
  const ClusterNode* target_ = nullptr;
  std::vector<const ClusterNode*> sources_;
};

}  // namespace

Result<Outcome> run_reshard(Session& session) { return Resharding(session).run(); }

}  // namespace ashlar::cli::cluster
