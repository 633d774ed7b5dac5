/// What a process says of itself when a signal kills it: the signal and the stack, for whoever mends the bug.
/// Thread: the functions main, before others exist, or one at a time later. Nothing here runs until a crash.
#pragma once

namespace ashlar::crash {

/// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT append a report to the log as it is open now and end
/// the process as they would have without. Does nothing in builds with sanitizers, which report by
/// themselves.
void report();
/// Ends that.
void report_nothing();

}  // namespace ashlar::crash
