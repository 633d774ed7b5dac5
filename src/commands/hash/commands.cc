#include "commands/hash/commands.h"

#include "commands/hash/parts.h"

namespace ashlar::commands {

void register_hash_commands(command::CommandTable& table) {
  register_hash_edits(table);
  register_hash_reads(table);
  register_hash_counters(table);
  register_hash_random(table);
  register_hash_expiry(table);
  register_hash_expiring_access(table);
}

}  // namespace ashlar::commands
