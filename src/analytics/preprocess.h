#pragma once
#include <optional>
#include <string>
#include <vector>

#include "analytics/transforms.h"
#include "core/config.h"
#include "core/json_fwd.h"
#include "core/memory.h"
#include "core/session_hours.h"
#include "lake/enrich.h"

namespace tapemill::analytics {

/// Preprocessing as its YAML declares it (docs/formats/preprocess.md).
struct PreprocessDocument {
  std::string name, title, version, table;
  SessionHours session = SessionHours::regular;
  std::vector<std::string> columns;       // of the source; empty: all of numbers
  std::optional<Date> start;              // rows of before are not there at all
  lake::EnrichOptions enrich;
  std::optional<DateRange> fit;
  std::optional<Date> apply_start, apply_end;
  bool allow_lookahead = false;
  std::vector<TransformSpec> steps;
  std::string path, text;

  bool fitted() const;  // some step takes statistics
};
/// Usage errors, with file, line and caret: unknown keys, methods and names; a step that is fitted without a fit range; what
/// would look ahead without allow_lookahead.
Result<PreprocessDocument> load_preprocess(const std::string& path);
/// What a row would know of rows after it; empty: nothing. REQUIRES the days that rows are applied to.
std::vector<std::string> looks_ahead(const PreprocessDocument& document);

struct PreprocessOptions {
  std::string document, fitted_to, fitted_from;
};

struct PreprocessReport {
  std::string name, version, source, table, fitted_table, reference;
  std::int64_t source_version = -1, reference_version = -1, table_version = -1, fitted_version = -1;
  std::int64_t rows = 0, bytes = 0, fit_rows = 0;
  std::vector<std::pair<std::string, std::string>> columns;   // of numbers: name, type
  std::vector<std::pair<std::string, std::string>> narrowed;  // columns that optimize_types made smaller, and to what
  std::vector<std::pair<std::string, Deeds>> steps;
  std::vector<std::string> lookahead;
  bool unchanged = false;
  double seconds = 0;
  Json json() const;
};

/// Runs the steps over the source's silver rows and writes gold.prepared_NAME: the source's key, symbol, session and time, texts
/// that were not encoded, the numbers (double, or narrower), available_at (no earlier than that of any row the values or the
/// statistics are made of); and gold.prepared_NAME_fitted, what the steps were fitted to. Rows are read by instruments, so many
/// at a time as the budget has room for; the same bits whatever the budget and the workers. `fitted_to`: the fitted values as
/// JSON; `fitted_from`: such a file, by which the steps go instead of being fitted. Where source, document and program are those
/// of the last time, nothing is written.
Result<PreprocessReport> preprocess(const lake::Lake& lake, const PreprocessOptions& options, const Workers& workers,
                                    MemoryBudget& budget);

/// The fitted values as a document, and back. Data error: not such a document, or of other steps.
Json fitted_json(const PreprocessDocument& document, const std::vector<FittedValue>& values);
Result<std::vector<FittedValue>> read_fitted(const PreprocessDocument& document, const std::string& path);

}  // namespace tapemill::analytics

template <>
inline constexpr auto tapemill::fields<tapemill::analytics::PreprocessOptions> =
    std::tuple{tapemill::field("document", &tapemill::analytics::PreprocessOptions::document, "YAML of the steps"),
               tapemill::field("fitted_to", &tapemill::analytics::PreprocessOptions::fitted_to,
                               "write what the steps were fitted to into this file, as JSON"),
               tapemill::field("fitted_from", &tapemill::analytics::PreprocessOptions::fitted_from,
                               "fit nothing: apply what such a file says")};
