/// A value whose copies share their bytes until the owner changes them.
#pragma once

#include <memory>

namespace ashlar::cluster {

/// Copy-on-write holder of a T. Copying is one reference count; the first edit() after a copy clones.
///
/// Thread: a Cow that is edited belongs to one thread, which also makes the first copy of it; copies that nobody edits
/// may be read and copied by any thread, for the clone rule never looks at the (racy) reference count.
template <typename T>
class Cow {
 public:
  Cow() : value_(std::make_shared<T>()) {}
  explicit Cow(T value) : value_(std::make_shared<T>(std::move(value))) {}
  Cow(const Cow& other) : value_(other.value_), shared_(true) { other.mark_shared(); }
  Cow& operator=(const Cow& other) {
    if (this != &other) {
      value_ = other.value_;
      shared_ = true;
      other.mark_shared();
    }
    return *this;
  }
  Cow(Cow&&) noexcept = default;
  Cow& operator=(Cow&&) noexcept = default;
  ~Cow() = default;

  [[nodiscard]] const T& operator*() const noexcept { return *value_; }
  [[nodiscard]] const T* operator->() const noexcept { return value_.get(); }
  /// The value for writing. Invalidates no reference held by copies; references into this one go stale if it clones.
  [[nodiscard]] T& edit() {
    if (shared_) {
      value_ = std::make_shared<T>(*value_);
      shared_ = false;
    }
    return *value_;
  }

 private:
  void mark_shared() const noexcept {
    if (!shared_) shared_ = true;  // already true in every copy that several threads can see
  }

  std::shared_ptr<T> value_;
  mutable bool shared_ = false;
};

}  // namespace ashlar::cluster
