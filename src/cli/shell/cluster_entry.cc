#include "cli/shell/cluster_entry.h"

#if __has_include("cli/cluster/manager.h")
#include "cli/cluster/manager.h"
#endif

namespace ashlar::cli {

int run_cluster_manager(const Options& options, Console console) {
#if __has_include("cli/cluster/manager.h")
  static_cast<void>(console);
  return cluster_main(options.cluster_args, options.connect);
#else
  static_cast<void>(options);
  std::fputs("--cluster is not built into this ashlar-cli.\n", console.err);
  return 1;
#endif
}

}  // namespace ashlar::cli
