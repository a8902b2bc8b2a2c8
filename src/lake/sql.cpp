#include "lake/sql.h"

#include <arrow/api.h>
#include <arrow/c/bridge.h>
#include <arrow/compute/cast.h>
#include <arrow/util/byte_size.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "lake/duckdb_library.h"
#include "lake/files.h"
#include "lake/scan.h"
#include "lake/sql_tokens.h"
#include "lake/sql_views.h"

namespace tapemill::lake {
namespace {

constexpr std::int64_t kThreadRoom = 48 << 20;    // of the data's room, for every thread of DuckDB
constexpr std::int64_t kOutsideLimit = 12 << 20;  // what it takes that its limit does not count

// What the statement's errors are told with: what the user wrote, and what it reads.
struct Asked {
  const Lake& lake;
  const std::string& sql;
  const SqlViews& views;
};

// The part that a message of DuckDB is about, as a scan would report it; OK where it is about none.
Status part_error(const Asked& asked, const std::string& message) {
  const char* advice = "restore it from a backup, or rebuild the table";
  bool of_a_file = message.starts_with("IO Error") || message.starts_with("Invalid Error");
  for (const char* word : {"arquet", "magic bytes", "hrift", "TProtocol", "ZSTD", "Snappy"})
    of_a_file = of_a_file || message.find(word) != std::string::npos;
  if (!of_a_file) return Status::OK();
  for (const std::string& file : asked.views.files) {
    if (!file_exists(file)) return data_error(file + " is in the log but not on the disk", advice);
    if (::access(file.c_str(), R_OK) != 0) return errno_error("cannot read " + file, errno);
  }
  std::string what = message.substr(0, message.find('\n'));
  if (const auto colon = what.find("Error: "); colon != std::string::npos) what = what.substr(colon + 7);
  for (const std::string& file : asked.views.files) {
    if (message.find(file) != std::string::npos)
      return data_error(fmt::format("{} is damaged: {}", file, what), advice);
  }
  for (const auto& [table, snapshot] : asked.views.tables) {  // a message without a name: the scan finds the part
    for (const Part& part : snapshot.parts) ARROW_RETURN_NOT_OK(read_parts(table, snapshot, {part}).status());
  }
  return Status::OK();
}

// "did you mean sp500? " to "Catalog Error: Table with name sp501 does not exist!": of the lake's tables, not of DuckDB's.
std::string near_table(const Lake& lake, const std::string& what) {
  const auto begin = what.find("with name "), end = what.find(" does not exist");
  auto tables = lake.tables();
  if (begin == std::string::npos || end == std::string::npos || !tables.ok()) return {};
  std::vector<std::string> names;
  for (const TableName& one : *tables) names.push_back(one.layer == Layer::silver ? one.table : one.str());
  const std::string near = nearest(what.substr(begin + 10, end - begin - 10), names);
  return near.empty() ? near : "did you mean " + near + "? ";
}

// "Binder Error: column x ...\n\nLINE 1: ...\n   ^" as one of ours: blame by the kind, the line and caret as the excerpt,
// where they quote the user's statement and not one that was made here.
Status sql_error(const Asked& asked, const std::string& message) {
  const auto line = message.find("\n\nLINE ");
  std::string what = message.substr(0, line);
  std::string excerpt = line == std::string::npos ? "" : message.substr(line + 2);
  std::string quoted = excerpt.substr(0, excerpt.find('\n'));
  quoted.erase(0, std::min(quoted.find(": ") + 2, quoted.size()));
  if (quoted.starts_with("...")) quoted.erase(0, 3);
  if (quoted.ends_with("...")) quoted.resize(quoted.size() - 3);
  if (asked.sql.find(quoted) == std::string::npos) excerpt.clear();
  auto is = [&](const char* kind) { return message.starts_with(kind); };
  std::string hint;
  Blame blame = Blame::usage;
  if (is("INTERRUPT")) return Status::Cancelled("the query was interrupted");
  ARROW_RETURN_NOT_OK(part_error(asked, message));
  // DuckDB's own advice names its own tables and settings.
  for (const char* advice : {"\nDid you mean", "\n\nPossible solutions", "\nPossible solutions"})
    if (const auto at = what.find(advice); at != std::string::npos) what.resize(at);
  if (is("Catalog Error: Table")) {
    hint = near_table(asked.lake, what) + "tables: " + tables_there_are(asked.lake);
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

// Where the statement that is explained begins; 0 in one that explains nothing.
std::size_t explained(const std::string& sql) {
  const auto tokens = sql_tokens(sql);
  std::size_t i = 0;
  if (tokens.empty() || !tokens[i].is("explain")) return 0;
  ++i;
  if (i < tokens.size() && tokens[i].is("analyze")) ++i;
  if (i < tokens.size() && tokens[i].is("(") && i + 1 < tokens.size() &&
      (tokens[i + 1].is("format") || tokens[i + 1].is("analyze"))) {
    while (i < tokens.size() && !tokens[i].is(")")) ++i;
    ++i;
  }
  return i < tokens.size() ? tokens[i].begin : sql.size();
}

// A database in memory with one connection; destroyed in the right order.
class Session {
 public:
  Session(const DuckDb& db, const Asked& asked) : db_(db), asked_(asked) {}
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
    int threads = options.threads;
    if (options.memory > 0) {  // and what is left for the answer, once more while it is joined
      answer_ = options.memory / 5;
      // What each thread decodes and its tables of distinct values take stand outside of DuckDB's own limit.
      threads = std::clamp<int>(static_cast<int>(options.memory / kThreadRoom), 1, std::max(threads, 1));
      const std::int64_t limit = std::max((options.memory - kOutsideLimit) / 5 * 3, options.memory / 4);
      db_.set_config(config, "memory_limit", fmt::format("{}KiB", std::max<std::int64_t>(limit / 1024, 1)).c_str());
    }
    if (threads > 0) db_.set_config(config, "threads", std::to_string(threads).c_str());
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
    if (const std::size_t at = explained(sql); at > 0) ARROW_RETURN_NOT_OK(is_select(sql.substr(at)));
    duckdb_extracted_statements statements = nullptr;
    const idx_t count = db_.extract_statements(connection_, sql.c_str(), &statements);
    const char* problem = count == 0 ? db_.extract_statements_error(statements) : nullptr;
    const std::string message = problem != nullptr ? problem : "";
    auto run = [&]() -> Result<std::shared_ptr<arrow::Table>> {
      if (!message.empty()) return sql_error(asked_, message);
      if (count == 0) return usage_error("the SQL statement is empty", "such as: select * from sp500 limit 5");
      if (count > 1) return usage_error("one SQL statement at a time");
      duckdb_prepared_statement prepared = nullptr;
      const bool good = db_.prepare_extracted_statement(connection_, statements, 0, &prepared) == DuckDBSuccess;
      auto table = good ? execute(prepared)
                        : Result<std::shared_ptr<arrow::Table>>(
                              writes(sql) ? read_only() : sql_error(asked_, text(db_.prepare_error(prepared))));
      db_.destroy_prepare(&prepared);
      return table;
    };
    auto table = run();
    db_.destroy_extracted(&statements);
    return table;
  }

  void interrupt() { db_.interrupt(connection_); }
  void emits(const Emit* emit) { emit_ = emit; }

 private:
  // Explaining with ANALYZE runs a statement: it has to be one that may run.
  Status is_select(const std::string& sql) {
    duckdb_prepared_statement prepared = nullptr;
    const bool good = db_.prepare(connection_, sql.c_str(), &prepared) == DuckDBSuccess;
    Status status = !good ? sql_error(asked_, text(db_.prepare_error(prepared)))
                    : db_.prepared_statement_type(prepared) == DUCKDB_STATEMENT_TYPE_SELECT
                        ? Status::OK()
                        : usage_error("SQL here is read-only", "EXPLAIN takes a SELECT");
    db_.destroy_prepare(&prepared);
    return status;
  }

  static Status read_only() {
    return usage_error("SQL here is read-only",
                       "SELECT, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE and EXPLAIN are what there is");
  }
  // What would change a view fails before its kind is known, as if the table were at fault.
  static bool writes(const std::string& sql) {
    std::string word;
    for (char c : sql.substr(std::min(sql.find_first_not_of(" \t\r\n("), sql.size()))) {
      if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    for (const char* one : {"delete", "insert", "update", "merge", "truncate", "drop", "alter", "create", "copy"})
      if (word == one) return true;
    return false;
  }

  static std::string text(const char* message) { return message != nullptr ? message : "unknown error"; }

  Status execute(const std::string& sql) {
    duckdb_result result;
    const bool good = db_.query(connection_, sql.c_str(), &result) == DuckDBSuccess;
    Status status = good ? Status::OK() : sql_error(asked_, text(db_.result_error(&result)));
    db_.destroy_result(&result);
    return status;
  }

  Result<std::shared_ptr<arrow::Table>> execute(duckdb_prepared_statement prepared) {
    const duckdb_statement_type type = db_.prepared_statement_type(prepared);
    if (type != DUCKDB_STATEMENT_TYPE_SELECT && type != DUCKDB_STATEMENT_TYPE_EXPLAIN) { return read_only(); }
    duckdb_result result;
    const auto run = answer_ > 0 || emit_ != nullptr ? db_.execute_prepared_streaming
                                                     : db_.execute_prepared;  // else it holds the answer too
    const bool good = run(prepared, &result) == DuckDBSuccess;
    auto table = good ? fetch(result)
                      : Result<std::shared_ptr<arrow::Table>>(sql_error(asked_, text(db_.result_error(&result))));
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
      status = sql_error(asked_, text(db_.error_data_message(problem)));
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
    std::int64_t bytes = 0;
    while (duckdb_data_chunk chunk = db_.fetch_chunk(result)) {
      ArrowArray array{};
      status = check(db_.data_chunk_to_arrow(options, chunk, &array));
      db_.destroy_data_chunk(&chunk);
      ARROW_RETURN_NOT_OK(status);
      ARROW_ASSIGN_OR_RAISE(auto batch, arrow::ImportRecordBatch(&array, schema));
      if (emit_ != nullptr) {
        ARROW_RETURN_NOT_OK(give(schema, {std::move(batch)}));
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const std::int64_t size, arrow::util::ReferencedBufferSize(*batch));
      if (bytes += size; answer_ > 0 && bytes > answer_)
        return environment_error(
            fmt::format("SQL: the answer takes more than the {} that there are for it", format_bytes(answer_)),
            "give more with --memory, or ask for less at once");
      batches.push_back(std::move(batch));
    }
    if (const char* problem = db_.result_error(&result); problem != nullptr && *problem != '\0')
      return sql_error(asked_, problem);
    if (emit_ != nullptr) ARROW_RETURN_NOT_OK(give(schema, {}));
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema, batches));
    return narrowed(table);
  }

  Status give(const std::shared_ptr<arrow::Schema>& schema, const arrow::RecordBatchVector& batches) {
    ARROW_ASSIGN_OR_RAISE(auto table, arrow::Table::FromRecordBatches(schema, batches));
    ARROW_ASSIGN_OR_RAISE(table, narrowed(table));
    ARROW_ASSIGN_OR_RAISE(auto batch, table->CombineChunksToBatch());
    return (*emit_)(batch);
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
  const Asked& asked_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
  std::int64_t answer_ = 0;  // bytes that an answer may take; 0: any
  const Emit* emit_ = nullptr;  // takes the answer as it comes, where there is one
};

}  // namespace

namespace {
Result<std::shared_ptr<arrow::Table>> answer(const Lake& lake, const std::string& sql, const SqlOptions& options,
                                             const Emit* emit) {
  ARROW_ASSIGN_OR_RAISE(const DuckDb* db, duckdb());
  ARROW_ASSIGN_OR_RAISE(SqlViews views, sql_views(lake, sql, options));
  const Asked asked{lake, sql, views};
  Session session(*db, asked);
  session.emits(emit);
  ARROW_RETURN_NOT_OK(session.open(options));
  ARROW_RETURN_NOT_OK(session.set_up(views));
  if (options.stop.stop_requested()) return Status::Cancelled("the query was interrupted");
  std::stop_callback stop(options.stop, [&session] { session.interrupt(); });
  return session.select(views.sql);
}
}  // namespace

Result<std::shared_ptr<arrow::Table>> query(const Lake& lake, const std::string& sql, const SqlOptions& options) {
  return answer(lake, sql, options, nullptr);
}

Status query(const Lake& lake, const std::string& sql, const SqlOptions& options, const Emit& emit) {
  return answer(lake, sql, options, &emit).status();
}

Status sql_available() { return duckdb().status(); }

}  // namespace tapemill::lake
