/// The configuration of a running server: CONFIG GET and CONFIG SET.
/// Pure but for the hook; thread: one at a time (the server's control thread).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "server/config/directive.h"

namespace ashlar::config {

struct NameValue {
  std::string name;
  std::string value;
  bool operator==(const NameValue&) const = default;
};

/// CONFIG GET: the directives that `patterns` name, in the order asked, each name once. A pattern with none of * ? [ is
/// a name and is answered in the spelling asked for, hidden directives too; a glob (in any letter case) answers
/// canonical names and aliases in alphabetical order.
[[nodiscard]] std::vector<NameValue> get(const Config& config, std::span<const std::string> patterns);

/// What CONFIG SET must know of the moment.
struct SetContext {
  enum class DataSet : std::uint8_t { kReady, kLoading };
  DataSet data_set = DataSet::kReady;
  Locality client = Locality::kRemote;
};

/// A configuration that would replace the present one.
struct ChangeSet {
  Config after;
  std::vector<const Directive*> changed;  // whose value differs, in the order set, each once
};

/// Reacts to new settings: listens on the new port, starts the AOF, ...
class ApplyHook {
 public:
  virtual ~ApplyHook() = default;
  /// Makes the value of `directive` in `now` take effect; `now` holds all values of the CONFIG SET. Called once for
  /// each changed directive, and again with the old configuration to undo it. Errors: the reason, which the client
  /// reads.
  [[nodiscard]] virtual Result<void> apply(const Directive& directive, const Config& now) = 0;
};

/// Validates all of `pairs` against `config` and returns what they would make of it. Errors: as Redis words them
/// ("CONFIG SET failed (possibly related to argument 'x') - ...", "Unknown option or number of arguments for CONFIG SET
/// - 'x'"), kLoading.
[[nodiscard]] Result<ChangeSet> plan_set(const Config& config, std::span<const NameValue> pairs,
                                         const SetContext& context);

/// CONFIG SET: plans, then calls `hook` for each changed directive. When one fails, the hook is called with the old
/// configuration for it and for those before it, and `config` stays as it was. On success `config` holds the new
/// values.
[[nodiscard]] Result<ChangeSet> set(Config& config, std::span<const NameValue> pairs, const SetContext& context,
                                    ApplyHook& hook);

}  // namespace ashlar::config
