/// For tests only: a new directory on the real disk, which goes with the object, whatever is in it. Thread: the test's.
/// A system that gives none ends the test program.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/check.h"

namespace ashlar {

class TestDirectory {
 public:
  TestDirectory() : path_(::testing::TempDir() + "ashlar-XXXXXX") { ASH_CHECK(::mkdtemp(path_.data()) != nullptr); }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  /// The path of a file in it.
  [[nodiscard]] std::string path(std::string_view file) const { return path_ + "/" + std::string(file); }

 private:
  std::string path_;
};

}  // namespace ashlar
