/// The registration functions of this folder, one for each source file.
#pragma once

#include "commands/generic/commands.h"

namespace ashlar::commands {

void register_keys(command::CommandTable& table);
void register_expire(command::CommandTable& table);
void register_relocate(command::CommandTable& table, GenericCommands& commands);
void register_walk(command::CommandTable& table);
void register_object(command::CommandTable& table);
void register_payload(command::CommandTable& table, GenericCommands& commands);
void register_sort(command::CommandTable& table, GenericCommands& commands);
void register_whole(command::CommandTable& table, GenericCommands& commands);

}  // namespace ashlar::commands
