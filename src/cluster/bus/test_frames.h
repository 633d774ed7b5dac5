/// Recorded frames for the tests of this folder.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace ashlar::cluster::bus {

/// The bytes that `hex` spells, two digits a byte.
inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

/// Frames by name from one file of `folder`, testdata/; the files say how they are written. nullopt if a frame has not
/// the length that its heading announces, or the file is missing.
inline std::optional<std::map<std::string, std::string>> load_frames(const std::string& folder,
                                                                     const std::string& file) {
  std::ifstream in(folder + "/" + file);
  if (!in) return std::nullopt;
  std::map<std::string, std::string> frames;
  std::map<std::string, std::size_t> announced;
  std::string line;
  std::string name;
  std::string row;
  bool repeat = false;
  const auto fill = [&](std::size_t end) {
    while (repeat && frames[name].size() < end) frames[name].append(row, 0, end - frames[name].size());
    repeat = false;
  };
  while (std::getline(in, line)) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "frame") {
      if (!name.empty()) fill(announced[name]);
      words >> name;
      words >> announced[name];
    } else if (first == "*") {
      repeat = true;
    } else {
      fill(std::stoul(first, nullptr, 16));
      std::string hex;
      words >> hex;
      row = from_hex(hex);
      frames[name] += row;
    }
  }
  fill(announced[name]);
  for (const auto& [key, bytes] : frames) {
    if (bytes.size() != announced[key]) return std::nullopt;
  }
  return frames;
}

}  // namespace ashlar::cluster::bus
