// ashlar-sim: runs simulated clusters from a seed and says what went wrong.
#include <cstdio>

#include "sim/topology.h"
#include "sim/world.h"
int main() {
  ashlar::sim::WorldOptions o;
  o.node.node_timeout = ashlar::Millis{2000};
  o.trace = [](std::string s) { std::puts(s.c_str()); };
  ashlar::sim::World w(o);
  for (int i = 0; i < 3; ++i) w.add_host();
  for (int i = 0; i < 3; ++i) (void)w.command(i, ashlar::cluster::SetConfigEpoch{i + 1});
  (void)w.command(0, ashlar::cluster::AddSlots{{{ashlar::SlotId::wrap(0), ashlar::SlotId::wrap(16383)}}});
  (void)w.command(1, ashlar::cluster::Meet{w.ip(0), 6379, {}});
  for (int i = 0; i < 10; ++i) {
    w.run_for(ashlar::Seconds{2});
    std::puts(w.why_not_settled().value_or("settled").c_str());
    std::printf("%s", w.disk(0).c_str());
  }
}
