# DuckDB is loaded on first use, dlopen("libduckdb.so"): only its header takes part in the build. The library is
# found through the program's own run path, in .deps/ before and in lib/tapemill after `cmake --install`.
add_library(duckdb_header INTERFACE)
target_include_directories(duckdb_header SYSTEM INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/third_party/duckdb>)
add_library(DuckDB::header ALIAS duckdb_header)
list(APPEND CMAKE_BUILD_RPATH ${TAPEMILL_DEPS}/duckdb/lib)
