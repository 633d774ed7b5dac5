# One library per folder below src/. Every folder says its sources and the lower ranks it uses; nothing is globbed.
#
#   ashlar_module(resp
#     SOURCES parser.cc encoder.cc      # .cc files of this folder; omit for headers only
#     HEADERS parser.h encoder.h        # every header: tools/check_headers.py compiles each one alone
#     DEPS base                         # other ashlar modules, lower rank only
#     LIBS fmt::fmt                     # third-party libraries
#     TESTS parser_test.cc              # one test program per folder: <name>_tests
#     TEST_LIBS rapidcheck)             # extra libraries of the tests only
#
# Folder names with a slash (cluster/core) become ashlar_cluster_core.
include(GoogleTest)

# With ASHLAR_UNITY: the sources of a target are compiled in batches. Files that use a name twice are kept apart.
function(ashlar_batches target)
  if(NOT ASHLAR_UNITY)
    return()
  endif()
  execute_process(COMMAND ${ASHLAR_PYTHON} ${PROJECT_SOURCE_DIR}/tools/unity_batches.py ${ARGN}
                  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE batches
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  foreach(source batch IN ZIP_LISTS ARGN batches)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP batch${batch})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

function(ashlar_module name)
  cmake_parse_arguments(M "" "" "SOURCES;HEADERS;DEPS;LIBS;TESTS;TEST_LIBS" ${ARGN})
  string(REPLACE "/" "_" id ${name})
  set(target ashlar_${id})
  set(deps "")
  foreach(dep ${M_DEPS})
    string(REPLACE "/" "_" dep_id ${dep})
    list(APPEND deps ashlar_${dep_id})
  endforeach()

  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES} ${M_HEADERS})
    ashlar_batches(${target} ${M_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} ${scope} ${deps} ${M_LIBS})

  if(ASHLAR_TESTS AND M_TESTS)
    add_executable(${id}_tests ${M_TESTS})
    ashlar_batches(${id}_tests ${M_TESTS})
    if(ASHLAR_SANITIZE)
      target_compile_options(${id}_tests PRIVATE -O0)  # of the tests' own code: half the time to compile it
    endif()
    target_link_libraries(${id}_tests PRIVATE ${target} GTest::gtest_main GTest::gmock ${M_TEST_LIBS})
    gtest_discover_tests(${id}_tests TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
