# Compiler, warnings, sanitizers and the third-party packages every folder may name.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(ASHLAR_TESTS "Build the unit tests and the simulator" ON)
option(ASHLAR_FUZZ "Build the fuzz targets; needs clang with libFuzzer" OFF)
option(ASHLAR_BENCH "Build the benchmarks" OFF)
set(ASHLAR_SANITIZE "" CACHE STRING "Comma-separated sanitizers: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer -march=x86-64-v2)
if(ASHLAR_SANITIZE)
  # The instrumentation misleads the compiler's flow analysis into warnings about code that is right; the dev and release builds
  # treat every warning as an error.
  add_compile_options(-fsanitize=${ASHLAR_SANITIZE} -fno-sanitize-recover=all -Wno-error)
  add_link_options(-fsanitize=${ASHLAR_SANITIZE})
endif()
if(ASHLAR_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-error=tsan)
endif()
if(ASHLAR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage counters in every module, the fuzzer's main only in targets
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
if(ASHLAR_TESTS)
  find_package(GTest REQUIRED)
  enable_testing()
endif()
