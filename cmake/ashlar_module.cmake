# One library per folder below src/. Every folder says its sources and the lower ranks it uses; nothing is globbed.
#
#   ashlar_module(resp
#     SOURCES parser.cc encoder.cc      # .cc files of this folder; omit for headers only
#     HEADERS parser.h encoder.h        # every header: check_headers compiles each one alone
#     DEPS base                         # other ashlar modules, lower rank only
#     LIBS fmt::fmt                     # third-party libraries
#     TESTS parser_test.cc              # one test program per folder: <name>_tests
#     TEST_LIBS rapidcheck)             # extra libraries of the tests only
#
# Folder names with a slash (cluster/core) become ashlar_cluster_core.
include(GoogleTest)

if(NOT TARGET check_headers)
  add_custom_target(check_headers)
endif()

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
    add_library(${target} STATIC ${M_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} ${scope} ${deps} ${M_LIBS})

  set(alone "")
  foreach(header ${M_HEADERS})
    string(REGEX REPLACE "[/.]" "_" header_id ${header})
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/alone_${header_id}.cc)
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${name}/${header}\"\n#include \"${name}/${header}\"\n" @ONLY)
    list(APPEND alone ${unit})
  endforeach()
  if(alone)
    add_library(${target}_headers OBJECT EXCLUDE_FROM_ALL ${alone})
    set_target_properties(${target}_headers PROPERTIES UNITY_BUILD OFF)
    target_link_libraries(${target}_headers PRIVATE ${target})
    add_dependencies(check_headers ${target}_headers)
  endif()

  if(ASHLAR_TESTS AND M_TESTS)
    add_executable(${id}_tests ${M_TESTS})
    target_link_libraries(${id}_tests PRIVATE ${target} GTest::gtest_main GTest::gmock ${M_TEST_LIBS})
    gtest_discover_tests(${id}_tests TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
