#include "cli/cluster/move_run.h"

#include <fmt/format.h>

#include <string>

#include "cli/cluster/slot_mover.h"

namespace ashlar::cli::cluster {

Outcome move_slots(Session& session, Topology& topology, std::span<const SlotMove> moves, const NodeId& to, MoveLog log,
                   Progress& progress) {
  Terminal& terminal = session.terminal;
  SlotMover mover(session, topology);
  const auto show = [&] {
    const MonoTime now = session.clock.mono();
    if (terminal.live() && progress.due(now)) terminal.show_progress(progress.line(now));
  };
  const bool lines = log == MoveLog::kLines && !terminal.live();
  for (const SlotMove& move : moves) {
    const std::string title = fmt::format("Moving slot {} from {} to {}: ", move.slot.value(),
                                          topology.find(move.from)->info.address(), topology.find(to)->info.address());
    if (lines) terminal.print(title);
    const auto moved = mover.move_slot(move.slot, move.from, to, [&](std::size_t keys) {
      progress.keys_moved(keys);
      if (lines) terminal.print(std::string(keys, '.'));
      show();
    });
    if (!moved) {
      if (!terminal.live()) terminal.print("\n");
      terminal.line(Style::kBad, fmt::format("*** {}{}", title, moved.error().text()));
      terminal.line(
          fmt::format("*** {} of {} slots were moved. Slot {} may be left open between the two nodes, which then "
                      "both go on serving it.",
                      progress.done(), progress.total(), move.slot.value()));
      terminal.line(fmt::format("*** To bring it in order: ashlar-cli --cluster fix {}", session.options.entry.text()));
      return Outcome::kFailed;
    }
    progress.step();
    if (lines) terminal.print("\n");
    if (log == MoveLog::kMarks && !terminal.live()) terminal.print("#");
    show();
  }
  return Outcome::kDone;
}

Result<void> wait_for_agreement(Session& session) {
  constexpr Seconds kLimit(20);
  ASH_TRY(const Topology topology, load_settled(session, session.options.entry, kLimit));
  if (!topology.agree()) {
    session.terminal.line(
        Style::kWarning,
        fmt::format("[WARNING] After {} seconds not all nodes have the same view of the slots yet.", kLimit.count()));
  }
  return {};
}

}  // namespace ashlar::cli::cluster
