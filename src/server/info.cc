#include "server/info.h"

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::server {

void Info::add(std::string name, Shown shown, Section section) {
  const auto it = std::ranges::find(parts_, name, &Part::name);
  if (it != parts_.end()) {
    it->writers.push_back(std::move(section));
    return;
  }
  Part part{std::move(name), shown, {}};
  part.writers.push_back(std::move(section));
  parts_.push_back(std::move(part));
}

std::string Info::render(std::span<const std::string_view> names) const {
  const auto wanted = [&](const Part& part) {
    if (names.empty()) return part.shown == Shown::kByDefault;
    return std::ranges::any_of(names, [&](std::string_view name) {
      if (iequals(name, "all") || iequals(name, "everything")) return true;
      if (iequals(name, "default")) return part.shown == Shown::kByDefault;
      return iequals(name, part.name);
    });
  };
  std::string out;
  for (const Part& part : parts_) {
    if (!wanted(part)) continue;
    InfoWriter writer;
    for (const Section& section : part.writers) section(writer);
    if (!out.empty()) out += "\r\n";
    out += "# " + part.name + "\r\n" + writer.text();
  }
  return out;
}

}  // namespace ashlar::server
