/// LOLWUT: the version of the server, below a small work of art. Thread: any loop.
#pragma once

#include <cstdint>
#include <string>

#include "base/rng.h"
#include "command/table.h"

namespace ashlar::server {

/// A wall of cut stones, laid by `rng`: `columns` characters wide, of `courses` rows of stones. Pure.
[[nodiscard]] std::string draw_wall(std::uint32_t columns, std::uint32_t courses, Rng& rng);

void register_lolwut(command::CommandTable& table);

}  // namespace ashlar::server
