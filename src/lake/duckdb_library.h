#pragma once
#include <duckdb.h>

#include "core/status.h"

namespace tapemill::lake {

// Functions of DuckDB's C API that are used, by name: the library is loaded on first use, not linked.
// clang-format off
#define TAPEMILL_DUCKDB_FUNCTIONS(F)                                                                               \
  F(open_ext)                                                                                                      \
  F(close)                                                                                                         \
  F(connect)                                                                                                       \
  F(disconnect)                                                                                                    \
  F(interrupt)                                                                                                     \
  F(query)                                                                                                         \
  F(destroy_result) F(result_error) F(create_config) F(set_config) F(destroy_config) F(free) F(extract_statements) \
      F(extract_statements_error) F(destroy_extracted) F(prepare_extracted_statement) F(prepare) F(prepare_error)  \
          F(prepared_statement_type) F(destroy_prepare) F(execute_prepared) F(execute_prepared_streaming) F(column_count) F(column_name)         \
              F(column_logical_type) F(destroy_logical_type) F(result_get_arrow_options) F(destroy_arrow_options)  \
                  F(to_arrow_schema) F(data_chunk_to_arrow) F(fetch_chunk) F(destroy_data_chunk)                   \
                      F(error_data_has_error) F(error_data_message) F(destroy_error_data) F(library_version)
// clang-format on

struct DuckDb {
#define F(function) decltype(&::duckdb_##function) function = nullptr;
  TAPEMILL_DUCKDB_FUNCTIONS(F)
#undef F
};

/// The library, loaded once per process: beside the program, in ../lib, in the checkout's .deps, or where the system's loader
/// finds it. Environment error naming the places that were tried.
Result<const DuckDb*> duckdb();

}  // namespace tapemill::lake
