# stage(NAME DEPENDS ... LIBRARIES ...): one library per folder of src/, and the only list of allowed arrows.
set(TAPEMILL_DEPS ${CMAKE_SOURCE_DIR}/.deps CACHE PATH "What scripts/install unpacked")
set(ARROW_WHEEL_ROOT ${TAPEMILL_DEPS}/arrow/pyarrow)
include(ArrowWheel)
include(DuckDB)
include(GNUInstallDirs)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)

# -fPIC by hand: CMake would give programs -fPIE, and they could not share the precompiled header.
add_compile_options(-fPIC -Wall -Wextra -Wpedantic -Wno-psabi -Wno-missing-field-initializers -ffp-contract=off -fno-math-errno -fpch-preprocess)
add_link_options(-fuse-ld=mold)
option(TAPEMILL_SANITIZE "address,undefined or thread" "")
if(TAPEMILL_SANITIZE)
  add_compile_options(-fsanitize=${TAPEMILL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${TAPEMILL_SANITIZE})
endif()

# Names the version and a hash of src/ (core/build_info.h). The hash is taken anew in every build (milliseconds);
# the file is written, and core relinked, only when it changed.
set(TAPEMILL_BUILD_INFO ${CMAKE_BINARY_DIR}/generated/build_info.cpp)
set(build_info_command ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
    -DOUTPUT=${TAPEMILL_BUILD_INFO} -P ${CMAKE_SOURCE_DIR}/cmake/build_info.cmake)
execute_process(COMMAND ${build_info_command} COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(tapemill_build_info COMMAND ${build_info_command} BYPRODUCTS ${TAPEMILL_BUILD_INFO}
                  COMMENT "Hashing src/" VERBATIM)

# isa_NAME.cpp in any stage is compiled for that instruction set alone, and sees no standard container: design.md 4.4.
set(TAPEMILL_ISA_base "")
set(TAPEMILL_ISA_avx2 -mavx2)
set(TAPEMILL_ISA_avx512 -mavx512f -mavx512dq -mavx512vl -mprefer-vector-width=512)

function(instruction_sets)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "/isa_([a-z0-9]+)\\.cpp$")
      set_source_files_properties(${source} PROPERTIES
        COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>;${TAPEMILL_ISA_${CMAKE_MATCH_1}}" SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()

function(stage name)
  cmake_parse_arguments(S "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(target tapemill_${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  list(TRANSFORM S_DEPENDS PREPEND tapemill_)
  set_property(GLOBAL APPEND PROPERTY TAPEMILL_STAGES ${name})
  set(headers "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>" "$<INSTALL_INTERFACE:include/tapemill>")
  if(name STREQUAL core)
    list(APPEND sources ${TAPEMILL_BUILD_INFO})
    # Only where it is used: a path on every command line would make ccache miss between checkouts.
    set_source_files_properties(${CMAKE_SOURCE_DIR}/src/core/paths.cpp PROPERTIES
      COMPILE_DEFINITIONS TAPEMILL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
  if(name STREQUAL exports)
    include(Report)
    list(APPEND sources ${TAPEMILL_REPORT_TEMPLATE})
  endif()
  if(NOT sources)  # headers only
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${headers})
    target_link_libraries(${target} INTERFACE ${S_DEPENDS} ${S_LIBRARIES})
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${headers})
  target_link_libraries(${target} PUBLIC ${S_DEPENDS} ${S_LIBRARIES})
  # Also for who builds on the installed library: batch = tick by tick only where nothing is fused.
  target_compile_options(${target} INTERFACE -ffp-contract=off)
  instruction_sets(${sources})
  if(name STREQUAL core)
    add_dependencies(${target} tapemill_build_info)
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.h)
  else()
    target_precompile_headers(${target} REUSE_FROM tapemill_core)
  endif()
endfunction()
