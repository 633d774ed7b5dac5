#include "net/gathering.h"

namespace ashlar::net {

Micros Gathering::before_wait(MonoTime now, std::size_t served) noexcept {
  const Micros elapsed = now - began_;
  if (elapsed >= kWindow) {
    many_ = peers_ >= kMany && elapsed <= kQuick * events_ ? peers_ : 0;
    began_ = now;
    if (++window_ == 0) window_ = 1;
    peers_ = events_ = 0;
  }
  return served * 2 < many_ ? rest_ : Micros(0);
}

}  // namespace ashlar::net
