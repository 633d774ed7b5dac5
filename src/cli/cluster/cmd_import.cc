#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/key_slot.h"
#include "cli/cluster/commands.h"
#include "cli/cluster/progress.h"
#include "cli/cluster/report.h"
#include "cli/cluster/slot_mover.h"

namespace ashlar::cli::cluster {
namespace {

class Import {
 public:
  explicit Import(Session& session) : session_(session), terminal_(session.terminal) {}

  Result<Outcome> run() {
    const Options& options = session_.options;
    if (!options.from) {
      terminal_.error_line("[ERR] Option '--cluster-from' is required for subcommand 'import'.");
      return Outcome::kFailed;
    }
    auto source = parse_endpoint(*options.from);
    if (!source)
      return fail(ErrorCode::kSyntax,
                  fmt::format("Invalid --cluster-from host: '{}'; host:port is needed", *options.from));
    source_ = std::move(*source);
    terminal_.line(Style::kHeading,
                   fmt::format(">>> Importing data from {} to cluster {}", source_.text(), options.entry.text()));
    ASH_TRY(topology_, load_settled(session_, options.entry, Seconds(10)));
    if (!show_check(session_, topology_, Tables::kShow).healthy()) {
      terminal_.line("Nothing was changed.");
      return Outcome::kFailed;
    }
    return copy_all();
  }

 private:
  ConnectOptions source_options() {
    ConnectOptions out = session_.links.base();
    out.user = session_.options.from_user;
    out.password = session_.options.from_password;
    if (session_.options.ask_from_password)
      out.password = terminal_.ask_secret("Please input import source node password: ");
    return out;
  }

  /// The owner of every slot.
  void map_slots() {
    owners_.assign(kSlotCount, {});
    for (const ClusterNode* master : topology_.masters()) {
      for (const SlotId slot : master->slots.slots()) owners_[slot.value()] = announced_endpoint(*master);
    }
  }

  Result<Outcome> copy_all() {
    Links source(source_options(), session_.options.timeout + Seconds(10));
    ASH_TRY(const resp::Value info, source.ask(source_, {"INFO"}));
    if (info_field(info.text(), "cluster_enabled") == "1") return fail("The source node should not be a cluster node.");
    warn_about_other_databases(info.text());
    ASH_TRY(const std::int64_t size, count_keys(source, source_));
    terminal_.line(fmt::format("*** Importing {} keys from DB 0", size));
    map_slots();
    Progress progress(static_cast<std::size_t>(std::max<std::int64_t>(size, 0)), ProgressUnit::kKeys,
                      session_.clock.mono());
    std::string cursor = "0";
    do {
      ASH_TRY(resp::Value reply, source.ask(source_, {"SCAN", cursor, "COUNT", "500"}));
      std::vector<resp::Value> parts = reply.take_items();
      if (parts.size() != 2) return fail(ErrorCode::kProtocol, "the source answers SCAN with something else");
      cursor = parts[0].take_text();
      ASH_TRY_VOID(migrate(source, parts[1].take_items(), progress));
    } while (cursor != "0");
    if (terminal_.live())
      terminal_.line(Style::kGood, fmt::format("[OK] Imported {}.", progress.summary(session_.clock.mono())));
    if (failed_ == 0) return Outcome::kDone;
    terminal_.line(Style::kBad, fmt::format("[ERR] {} key(s) were not imported and stay on the source.", failed_));
    return Outcome::kFailed;
  }

  void warn_about_other_databases(std::string_view info) {
    for (int db = 1; db < 16; ++db) {
      const std::string name = fmt::format("db{}", db);
      if (const auto keys = info_field(info, name))
        terminal_.line(Style::kWarning, fmt::format("[WARNING] {} of the source has keys ({}); a cluster has only "
                                                    "database 0, so they stay where they are.",
                                                    name, *keys));
    }
  }

  Words migrate_command(const std::string& key) const {
    const Endpoint& owner = owners_[key_slot(key).value()];
    Words words = {"MIGRATE", owner.host, std::to_string(owner.port),
                   key,       "0",        std::to_string(session_.options.timeout.count())};
    if (session_.options.copy) words.emplace_back("COPY");
    if (session_.options.replace) words.emplace_back("REPLACE");
    for (std::string& word : migrate_auth(session_.links.base())) words.push_back(std::move(word));
    return words;
  }

  Result<void> migrate(Links& source, std::vector<resp::Value> found, Progress& progress) {
    std::vector<std::string> keys;
    for (resp::Value& key : found) keys.push_back(key.take_text());
    std::vector<Words> commands;
    for (const std::string& key : keys) commands.push_back(migrate_command(key));
    const Patience patience(source, migrate_silence(session_.options));
    ASH_TRY(const std::vector<resp::Value> replies, source.ask_all(source_, commands));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      progress.step();
      const resp::Value& reply = replies[i];
      const std::string title = fmt::format("Migrating {} to {}: ", keys[i], owners_[key_slot(keys[i]).value()].text());
      if (reply.is_error()) {
        ++failed_;
        terminal_.line(title);
        terminal_.line(Style::kBad, fmt::format("Source {} replied with error:\n{}", source_.text(), reply.text()));
      } else if (!terminal_.live()) {
        terminal_.print(title + "OK\n");
      }
      const MonoTime now = session_.clock.mono();
      if (terminal_.live() && progress.due(now)) terminal_.show_progress(progress.line(now));
      // One key in the way is a matter of that key; a target that is down would cost a time-out for every key.
      if (reply.is_error() && reply.text().starts_with("IOERR"))
        return fail(ErrorCode::kIo, fmt::format("The import stopped: {}", reply.text()));
    }
    return {};
  }

  Session& session_;
  Terminal& terminal_;
  Endpoint source_;
  Topology topology_;
  std::vector<Endpoint> owners_;
  std::uint64_t failed_ = 0;
};

}  // namespace

Result<Outcome> run_import(Session& session) { return Import(session).run(); }

}  // namespace ashlar::cli::cluster
