/// Clusters to start from.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/world.h"

namespace ashlar::sim {

/// How many primaries and how many replicas each of them gets.
struct Shape {
  std::size_t primaries = 3;
  std::size_t replicas_each = 1;
  std::size_t spare_replicas = 0;  // for the first primaries, one each
  std::size_t slots_of_first = 0;  // slots of host 0, the rest being shared evenly; 0 = an even share too
};

/// Hosts 0..primaries-1 are the primaries, then come their replicas in turns. Built as an operator does, by
/// SET-CONFIG-EPOCH, ADDSLOTS, MEET and REPLICATE, and settled when this returns. Aborts if that does not happen within
/// a minute.
void build_by_commands(World& world, const Shape& shape);

/// The same, started from finished nodes.conf files: what large simulations can afford.
void build_from_files(World& world, const Shape& shape);

}  // namespace ashlar::sim
