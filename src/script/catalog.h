/// What scripts and function libraries the server knows. Thread: any; a mutex for each call, libraries are immutable
/// once known.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "script/interpreter.h"

namespace ashlar::script {

/// A script as EVAL or SCRIPT LOAD brought it.
struct Script {
  std::string sha;          // 40 hex digits, lower case
  std::string text;         // whole
  std::size_t body_at = 0;  // where the part to compile begins
  ScriptFlag flags = ScriptFlag::kCompatible;
  [[nodiscard]] std::string_view body() const noexcept { return std::string_view(text).substr(body_at); }
};

/// Scripts by their SHA-1, and by their text: to compute the digest of a text for each EVAL takes longer than most
/// runs.
class ScriptCache {
 public:
  [[nodiscard]] std::shared_ptr<const Script> find(std::string_view sha) const;
  [[nodiscard]] std::shared_ptr<const Script> find_text(std::string_view text) const;
  /// Nothing to do when its digest is known.
  void add(std::shared_ptr<const Script> script);
  void clear();
  /// Changes with every clear(): interpreters then forget what they compiled.
  [[nodiscard]] std::uint64_t epoch() const;
  struct Size {
    std::size_t scripts = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Size size() const;

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Script>> scripts_ ASH_GUARDED_BY(mutex_);
  std::unordered_map<std::string_view, std::shared_ptr<const Script>> by_text_
      ASH_GUARDED_BY(mutex_);  // views into the scripts
  std::uint64_t epoch_ ASH_GUARDED_BY(mutex_) = 0;
};

/// A loaded library.
struct FunctionLibrary {
  std::string name;
  std::string code;  // whole, with its first line
  std::size_t body_at = 0;
  std::vector<FunctionInfo> functions;
  [[nodiscard]] std::string_view body() const noexcept { return std::string_view(code).substr(body_at); }
};
using LibraryRef = std::shared_ptr<const FunctionLibrary>;

/// A function and the library that it is part of.
struct FoundFunction {
  LibraryRef library;
  const FunctionInfo* function = nullptr;
};

/// Libraries by name, functions by name over all libraries; names of functions do not differ by case alone.
class FunctionCatalog {
 public:
  [[nodiscard]] std::optional<FoundFunction> find(std::string_view function) const;
  [[nodiscard]] LibraryRef find_library(std::string_view name) const;
  /// All, in the order of their names.
  [[nodiscard]] std::vector<LibraryRef> all() const;

  enum class OnConflict : std::uint8_t { kRefuse, kReplace };
  /// Errors (their text goes to the client): the library exists, or one of its functions exists in another.
  [[nodiscard]] Result<void> add(LibraryRef library, OnConflict on_conflict);
  /// These libraries instead of all that are there; nothing changes on an error. Errors: two claim the same name.
  [[nodiscard]] Result<void> replace_all(std::vector<LibraryRef> libraries);
  /// False when there is none of that name.
  bool remove(std::string_view name);
  void clear();

 private:
  [[nodiscard]] Result<void> check(const FunctionLibrary& library, OnConflict on_conflict) const ASH_REQUIRES(mutex_);
  void put(LibraryRef library) ASH_REQUIRES(mutex_);
  void drop(std::string_view name) ASH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, LibraryRef, std::less<>> libraries_ ASH_GUARDED_BY(mutex_);
  std::map<std::string, LibraryRef, std::less<>> by_function_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::script
