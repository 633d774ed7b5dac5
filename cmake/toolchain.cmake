# Compiler, warnings, sanitizers and the third-party packages every folder may name.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(ASHLAR_TESTS "Build the unit tests and the simulator" ON)
option(ASHLAR_FUZZ "Build the fuzz targets; needs clang with libFuzzer" OFF)
option(ASHLAR_BENCH "Build the benchmarks" OFF)
option(ASHLAR_UNITY "Compile the sources of a target in batches: a build of everything takes a fifth of the time" OFF)
set(ASHLAR_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
# Debian's, before whatever python3 comes first in PATH.
find_program(ASHLAR_PYTHON python3 HINTS /usr/bin REQUIRED)
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Warnings end the build where we work (preset dev) and nowhere else: another compiler's new opinion, or the flow analysis of an
# instrumented or optimised build, shall not keep anyone from building.
option(ASHLAR_WERROR "Treat warnings as errors" OFF)
set(werror "")
if(ASHLAR_WERROR)
  set(werror -Werror)
endif()

add_compile_options(-Wall -Wextra ${werror} -Wno-missing-field-initializers -fno-omit-frame-pointer -march=x86-64-v2)
if(ASHLAR_SANITIZE)
  add_compile_options(-fsanitize=${ASHLAR_SANITIZE} -fno-sanitize-recover=all)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)  # bounds of views and spans, which lie within an allocation
  add_link_options(-fsanitize=${ASHLAR_SANITIZE})
endif()
if(ASHLAR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage counters in every module, the fuzzer's main only in targets
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL REQUIRED)
if(ASHLAR_TESTS)
  find_package(GTest REQUIRED)
  enable_testing()
endif()
