#include "commands/zset/commands.h"

#include "commands/zset/parts.h"

namespace ashlar::commands {

void register_zset_commands(command::CommandTable& table) {
  register_zset_writes(table);
  register_zset_reads(table);
  register_zset_ranges(table);
  register_zset_range_removals(table);
  register_zset_pops(table);
  register_zset_samples(table);
  register_zset_algebra(table);
}

}  // namespace ashlar::commands
