#include "cli/cluster/commands.h"
#include "cli/cluster/report.h"

namespace ashlar::cli::cluster {

Result<Outcome> run_check(Session& session) {
  ASH_TRY(const Topology topology, load_topology(session.links, session.options.entry));
  ASH_TRY_VOID(show_info(session, topology));
  const Findings findings = show_check(session, topology, Tables::kShow);
  const bool contested = session.options.search_multiple_owners && !findings.contested.empty();
  return findings.healthy() && !contested ? Outcome::kDone : Outcome::kFailed;
}

Result<Outcome> run_info(Session& session) {
  ASH_TRY(const Topology topology, load_topology(session.links, session.options.entry));
  ASH_TRY_VOID(show_info(session, topology));
  return Outcome::kDone;
}

}  // namespace ashlar::cli::cluster
