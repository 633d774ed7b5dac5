/// Runs a function in another thread at once, between two of its instructions, by a signal. For what must reach a
/// thread that runs foreign code which asks nobody.
#pragma once

#include <pthread.h>

namespace ashlar {

/// What the interrupted thread runs. It may do only what a handler of signals may: no allocation, no lock.
struct Interruption {
  void (*run)(void* what) noexcept = nullptr;
  void* what = nullptr;
};

/// Lets this process receive interruptions. Before the first; any number of times.
void allow_interruptions();

/// Makes `thread` run `interruption`, which must live until it has. The thread must not have ended. Thread: any.
void interrupt_thread(pthread_t thread, const Interruption& interruption);

}  // namespace ashlar
