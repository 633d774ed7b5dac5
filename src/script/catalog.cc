#include "script/catalog.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace ashlar::script {

std::shared_ptr<const Script> ScriptCache::find(std::string_view sha) const {
  std::string lower(sha);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  MutexLock lock(mutex_);
  const auto found = scripts_.find(lower);
  return found == scripts_.end() ? nullptr : found->second;
}

std::shared_ptr<const Script> ScriptCache::find_text(std::string_view text) const {
  MutexLock lock(mutex_);
  const auto found = by_text_.find(text);
  return found == by_text_.end() ? nullptr : found->second;
}

void ScriptCache::add(std::shared_ptr<const Script> script) {
  MutexLock lock(mutex_);
  if (scripts_.try_emplace(script->sha, script).second) by_text_.emplace(script->text, std::move(script));
}

void ScriptCache::clear() {
  MutexLock lock(mutex_);
  by_text_.clear();
  scripts_.clear();
  ++epoch_;
}

std::uint64_t ScriptCache::epoch() const {
  MutexLock lock(mutex_);
  return epoch_;
}

ScriptCache::Size ScriptCache::size() const {
  MutexLock lock(mutex_);
  Size size{scripts_.size(), 0};
  for (const auto& [sha, script] : scripts_) size.bytes += sizeof(Script) + script->text.capacity() + sha.capacity();
  return size;
}

std::optional<FoundFunction> FunctionCatalog::find(std::string_view function) const {
  MutexLock lock(mutex_);
  const auto found = by_function_.find(to_lower(function));
  if (found == by_function_.end()) return std::nullopt;
  for (const FunctionInfo& info : found->second->functions) {
    if (iequals(info.name, function)) return FoundFunction{found->second, &info};
  }
  return std::nullopt;
}

LibraryRef FunctionCatalog::find_library(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = libraries_.find(name);
  return found == libraries_.end() ? nullptr : found->second;
}

std::vector<LibraryRef> FunctionCatalog::all() const {
  MutexLock lock(mutex_);
  std::vector<LibraryRef> all;
  all.reserve(libraries_.size());
  for (const auto& [name, library] : libraries_) all.push_back(library);
  return all;
}

Result<void> FunctionCatalog::check(const FunctionLibrary& library, OnConflict on_conflict) const {
  if (on_conflict == OnConflict::kRefuse && libraries_.contains(library.name)) {
    return fail(fmt::format("Library '{}' already exists", library.name));
  }
  for (const FunctionInfo& function : library.functions) {
    const auto taken = by_function_.find(to_lower(function.name));
    if (taken != by_function_.end() && taken->second->name != library.name) {
      return fail(fmt::format("Function {} already exists", function.name));
    }
  }
  return {};
}

void FunctionCatalog::put(LibraryRef library) {
  drop(library->name);
  for (const FunctionInfo& function : library->functions) by_function_[to_lower(function.name)] = library;
  std::string name = library->name;
  libraries_[std::move(name)] = std::move(library);
}

void FunctionCatalog::drop(std::string_view name) {
  const auto found = libraries_.find(name);
  if (found == libraries_.end()) return;
  for (const FunctionInfo& function : found->second->functions) by_function_.erase(to_lower(function.name));
  libraries_.erase(found);
}

Result<void> FunctionCatalog::add(LibraryRef library, OnConflict on_conflict) {
  MutexLock lock(mutex_);
  ASH_TRY_VOID(check(*library, on_conflict));
  put(std::move(library));
  return {};
}

Result<void> FunctionCatalog::replace_all(std::vector<LibraryRef> libraries) {
  FunctionCatalog fresh;
  for (LibraryRef& library : libraries) ASH_TRY_VOID(fresh.add(std::move(library), OnConflict::kRefuse));
  MutexLock theirs(fresh.mutex_);
  MutexLock lock(mutex_);
  libraries_.swap(fresh.libraries_);
  by_function_.swap(fresh.by_function_);
  return {};
}

bool FunctionCatalog::remove(std::string_view name) {
  MutexLock lock(mutex_);
  if (!libraries_.contains(name)) return false;
  drop(name);
  return true;
}

void FunctionCatalog::clear() {
  MutexLock lock(mutex_);
  libraries_.clear();
  by_function_.clear();
}

}  // namespace ashlar::script
