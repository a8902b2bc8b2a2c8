#pragma once
#include <string>
#include <vector>

#include "lake/sql.h"

namespace tapemill::lake {

/// What DuckDB has to be told before a statement can run.
struct SqlViews {
  std::string sql;                  // the statement, `t AT (VERSION => n)` rewritten to the view of that version
  std::vector<std::string> setup;   // CREATE SCHEMA, CREATE VIEW
  std::vector<std::string> files;   // the only files that may be read
  std::vector<std::pair<Table, Snapshot>> tables;  // whose they are
};
/// Views of the tables that the statement can mean: those whose name stands in it, or all where it asks for a list. Data
/// error: a version that is not there.
Result<SqlViews> sql_views(const Lake& lake, const std::string& sql, const SqlOptions& options);

/// The tables there are, as SQL names them: "sp500, bronze.sp500".
std::string tables_there_are(const Lake& lake);

}  // namespace tapemill::lake
