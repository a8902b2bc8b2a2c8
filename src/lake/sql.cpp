#include "lake/sql.h"

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/compute/cast.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "lake/duckdb_library.h"
#include "lake/sql_tokens.h"
#include "lake/sql_views.h"

namespace tapemill::lake {
namespace {

// "Binder Error: column x ...\n\nLINE 1: ...\n   ^" as one of ours: blame by the kind, the line and caret as the excerpt.
Status sql_error(const Lake& lake, const std::string& message) {
  const auto line = message.find("\n\nLINE ");
  std::string what = message.substr(0, line);
  const std::string excerpt = line == std::string::npos ? "" : message.substr(line + 2);
  auto is = [&](const char* kind) { return message.starts_with(kind); };
  std::string hint;
  Blame blame = Blame::usage;
  if (is("INTERRUPT")) return Status::Cancelled("the query was interrupted");
  if (is("Catalog Error: Table")) {
    blame = Blame::data;
    hint = "tables: " + tables_there_are(lake);
  } else if (is("Out of Memory")) {
    blame = Blame::environment;
    hint = "give more with --memory, or ask for less at once";
  } else if (is("IO Error") || is("FATAL") || is("INTERNAL")) {
    blame = Blame::environment;
  } else if (is("Permission Error")) {
    hint = "SQL here reads the lake's tables and nothing else";
  } else if (is("Conversion Error") || is("Out of Range") || is("Invalid Input") || is("Constraint")) {
    blame = Blame::data;
  }
  return error(blame, "SQL: " + what, hint, excerpt);
}

// A database in memory with one connection; destroyed in the right order.
class Session {
 public:
  Session(const DuckDb& db, const Lake& lake) : db_(db), lake_(lake) {}
  ~Session() {
    if (connection_ != nullptr) db_.disconnect(&connection_);
    if (database_ != nullptr) db_.close(&database_);
  }
  Session(const Session&) = delete;

  Status open(const SqlOptions& options) {
    static std::atomic<int> count{0};
    duckdb_config config = nullptr;
    if (db_.create_config(&config) != DuckDBSuccess) return environment_error("DuckDB does not start");
    const auto spill = std::filesystem::temp_directory_path() / fmt::format("tapemill-sql-{}-{}", ::getpid(), count++);
    db_.set_config(config, "temp_directory", spill.c_str());
    db_.set_config(config, "autoinstall_known_extensions", "false");
    db_.set_config(config, "autoload_known_extensions", "false");
    if (options.threads > 0) db_.set_config(config, "threads", std::to_string(options.threads).c_str());
    if (options.memory > 0)
      db_.set_config(config, "memory_limit",
                     fmt::format("{}KiB", std::max<std::int64_t>(options.memory / 1024, 1)).c_str());
    char* problem = nullptr;
    const bool opened = db_.open_ext(nullptr, &database_, config, &problem) == DuckDBSuccess;
    db_.destroy_config(&config);
    const std::string message = problem != nullptr ? problem : "no memory";
    db_.free(problem);
    if (!opened) return environment_error("DuckDB does not start: " + message);
    return db_.connect(database_, &connection_) == DuckDBSuccess ? Status::OK()
                                                                 : environment_error("DuckDB does not start");
  }

  Status set_up(const SqlViews& views) {
    ARROW_RETURN_NOT_OK(execute("SET TimeZone = 'UTC'"));
    ARROW_RETURN_NOT_OK(execute("CREATE SCHEMA silver"));
    for (const std::string& statement : views.setup) ARROW_RETURN_NOT_OK(execute(statement));
    ARROW_RETURN_NOT_OK(execute("SET schema = 'silver'"));
    std::string files;
    for (const std::string& file : views.files) files += (files.empty() ? "" : ", ") + quote_text(file);
    ARROW_RETURN_NOT_OK(execute("SET allowed_paths = [" + files + "]"));
    ARROW_RETURN_NOT_OK(execute("SET enable_external_access = false"));
    return execute("SET lock_configuration = true");
  }

  Result<std::shared_ptr<arrow::Table>> select(const std::string& sql) {
    duckdb_extracted_statements statements = nullptr;
    const idx_t count = db_.extract_statements(connection_, sql.c_str(), &statements);
    const char* problem = count == 0 ? db_.extract_statements_error(statements) : nullptr;
    const std::string message = problem != nullptr ? problem : "";
    auto run = [&]() -> Result<std::shared_ptr<arrow::Table>> {
      if (!message.empty()) return sql_error(lake_, message);
      if (count == 0) return usage_error("the SQL statement is empty", "such as: select * from sp500 limit 5");
      if (count > 1) return usage_error("one SQL statement at a time");
      duckdb_prepared_statement prepared = nullptr;
      const bool good = db_.prepare_extracted_statement(connection_, statements, 0, &prepared) == DuckDBSuccess;
      auto table = good ? execute(prepared)
                        : Result<std::shared_ptr<arrow::Table>>(sql_error(lake_, text(db_.prepare_error(prepared))));
      db_.destroy_prepare(&prepared);
      return table;
    };
    auto table = run();
    db_.destroy_extracted(&statements);
    return table;
  }

  void interrupt() { db_.interrupt(connection_); }

 private:
  static std::string text(const char* message) { return message != nullptr ? message : "unknown error"; }

  Status execute(const std::string& sql) {
    duckdb_result result;
    const bool good = db_.query(connection_, sql.c_str(), &result) == DuckDBSuccess;
    Status status = good ? Status::OK() : sql_error(lake_, text(db_.result_error(&result)));
    db_.destroy_result(&result);
    return status;
  }

  Result<std::shared_ptr<arrow::Table>> execute(duckdb_prepared_statement prepared) {
    const duckdb_statement_type type = db_.prepared_statement_type(prepared);
    if (type != DUCKDB_STATEMENT_TYPE_SELECT && type != DUCKDB_STATEMENT_TYPE_EXPLAIN) {
      return usage_error("SQL here is read-only",
                         "SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are what there is");
    }
    duckdb_result result;
    const bool good = db_.execute_prepared(prepared, &result) == DuckDBSuccess;
    auto table =
        good ? fetch(result) : Result<std::shared_ptr<arrow::Table>>(sql_error(lake_, text(db_.result_error(&result))));
    db_.destroy_result(&result);
    return table;
  }

  Result<std::shared_ptr<arrow::Table>> fetch(duckdb_result& result) {
    duckdb_arrow_options options = db_.result_get_arrow_options(&result);
    auto table = fetch(result, options);
    db_.destroy_arrow_options(&options);
    return table;
  }

  Status check(duckdb_error_data problem) {
    Status status;
    if (problem != nullptr && db_.error_data_has_error(problem))
      status = sql_error(lake_, text(db_.error_data_message(problem)));
    db_.destroy_error_data(&problem);
    return status;
  }

  Result<std::shared_ptr<arrow::Table>> fetch(duckdb_result& result, duckdb_arrow_options options) {
    const idx_t columns = db_.column_count(&result);
    std::vector<duckdb_logical_type> types;
    std::vector<const char*> names;
    for (idx_t i = 0; i < columns; ++i)
      types.push_back(db_.column_logical_type(&result, i)), names.push_back(db_.column_name(&result, i));
    ArrowSchema described{};
    Status status = check(db_.to_arrow_schema(options, types.data(), names.data(), columns, &described));
    for (auto& type : types) db_.destroy_logical_type(&type);
    ARROW_RETURN_NOT_OK(status);
    ARROW_ASSIGN_OR_RAISE(auto schema, arrow::ImportSchema(&described));
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    while (duckdb_data_chunk chunk = db_.fetch_chunk(result)) {
      ArrowArray array{};
      status = check(db_.data_chunk_to_arrow(options, chunk, &array));
      db_.destroy_data_chunk(&chunk);
      ARROW_RETURN_NOT_OK(status);
      ARROW_ASSIGN_OR_RAISE(auto batch, arrow::ImportRecordBatch(&array, schema));
      batches.push_back(std::move(batch));
    }
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema, batches));
    return narrowed(table);
  }

  // Decimals that fit 64 bits as everywhere else in the house; one chunk a column.
  static Result<std::shared_ptr<arrow::Table>> narrowed(std::shared_ptr<arrow::Table> table) {
    for (int i = 0; i < table->num_columns(); ++i) {
      const auto& field = table->field(i);
      if (field->type()->id() != arrow::Type::DECIMAL128) continue;
      const auto& decimal = static_cast<const arrow::DecimalType&>(*field->type());
      if (decimal.precision() > 18) continue;
      auto type = arrow::decimal64(decimal.precision(), decimal.scale());
      ARROW_ASSIGN_OR_RAISE(auto column, arrow::compute::Cast(table->column(i), type));
      ARROW_ASSIGN_OR_RAISE(table, table->SetColumn(i, field->WithType(type), column.chunked_array()));
    }
    return table->CombineChunks();
  }

  const DuckDb& db_;
  const Lake& lake_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

}  // namespace

Result<std::shared_ptr<arrow::Table>> query(const Lake& lake, const std::string& sql, const SqlOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const DuckDb* db, duckdb());
  ARROW_ASSIGN_OR_RAISE(SqlViews views, sql_views(lake, sql, options));
  Session session(*db, lake);
  ARROW_RETURN_NOT_OK(session.open(options));
  ARROW_RETURN_NOT_OK(session.set_up(views));
  if (options.stop.stop_requested()) return Status::Cancelled("the query was interrupted");
  std::stop_callback stop(options.stop, [&session] { session.interrupt(); });
  return session.select(views.sql);
}

Status sql_available() { return duckdb().status(); }

}  // namespace tapemill::lake
