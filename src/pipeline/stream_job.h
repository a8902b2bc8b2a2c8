#pragma once
#include <arrow/io/type_fwd.h>

#include <string>
#include <vector>

#include "core/config.h"
#include "pipeline/map_reduce.h"
#include "pipeline/stream.h"

namespace tapemill::pipeline {

/// What `tapemill stream` does to rows, on the command line or as a file of the same keys (docs/formats/stream.md).
struct StreamOptions {
  std::vector<std::string> files;  // none, or "-": standard input
  // Empty and 0 say "not given": a file's options hold then (with_spec), and else its defaults.
  std::string from, to, where, through, window, every, spec, delimiter, offset, late, time;
  std::vector<std::string> types, with, columns, by, values;
  int workers = 0, attempts = 0;
  ByteSize block, buffer;
};

/// The options of the YAML or JSON file `asked.spec`, if one is named, and over them what `asked` gives; then the defaults: csv, one
/// worker, one attempt, 1 MB read at once, 64 MB in a buffer.
Result<StreamOptions> with_spec(const StreamOptions& asked);

struct StreamReport {
  std::vector<StageFigures> stages;
  std::vector<WorkerFigures> workers;  // of a map over files
  std::int64_t rows_in = 0, rows_out = 0, late = 0;
  double seconds = 0;
  Json json() const;
};

/// Rows in, chosen, widened (`where`, `with`, `columns`), through a program, into windows, out: each step in threads of its own.
/// Several files with `values` and no window are a map and a reduce: each file is aggregated by itself, by as many workers, and
/// the parts are joined in the order of the files. Errors: usage (unknown columns, words), data (rows that are not as the first
/// ones, a program that fails), environment. `report` is filled as far as it came.
Status run_stream_job(const StreamOptions& options, const std::shared_ptr<arrow::io::OutputStream>& out,
                      StreamReport& report);

}  // namespace tapemill::pipeline

namespace tapemill {
template <>
inline constexpr auto fields<pipeline::StreamOptions> = std::tuple{
    field("files", &pipeline::StreamOptions::files, "files to read one after the other; none, or -: standard input"),
    field("from", &pipeline::StreamOptions::from, "form of the rows that come; csv where nothing is said",
          "csv|ndjson|arrow"),
    field("to", &pipeline::StreamOptions::to, "form of the rows that leave; csv where nothing is said",
          "csv|ndjson|arrow"),
    field("delimiter", &pipeline::StreamOptions::delimiter,
          "what parts the columns of csv, such as \";\" or tab; none: as the header has it"),
    field("types", &pipeline::StreamOptions::types,
          "COLUMN=TYPE where the first rows do not tell it: double, int64, string, bool, date, timestamp"),
    field("where", &pipeline::StreamOptions::where, "rows to keep, such as \"price > 0 and qty >= 100\""),
    field("with", &pipeline::StreamOptions::with, "further columns, such as \"notional=price * qty\""),
    field("columns", &pipeline::StreamOptions::columns, "columns to keep, in this order"),
    field("through", &pipeline::StreamOptions::through,
          "a program that reads rows and prints rows, in the form of --from, once a batch"),
    field("by", &pipeline::StreamOptions::by, "columns whose values make groups"),
    field("values", &pipeline::StreamOptions::values,
          "one number of a window's rows, such as \"high=max(price)\": first, last, min, max, sum, mean, count"),
    field("window", &pipeline::StreamOptions::window,
          "rows that lie together: a time such as 5m, or a number of rows; none: all"),
    field("every", &pipeline::StreamOptions::every,
          "the next window starts so much later; none: when the one before ends"),
    field("offset", &pipeline::StreamOptions::offset,
          "windows of time start so much after a full one, such as 15m for 09:15"),
    field("late", &pipeline::StreamOptions::late, "rows may come so much out of order"),
    field("time", &pipeline::StreamOptions::time,
          "column of instants that windows of time go by; time where nothing is said"),
    field("workers", &pipeline::StreamOptions::workers, "of the rows, the program, or a map over files", 1, 1024),
    field("attempts", &pipeline::StreamOptions::attempts,
          "how often a batch or file is tried, each time by a new worker", 1, 100),
    field("block", &pipeline::StreamOptions::block, "bytes that are read at once, at most; 1MB where nothing is said"),
    field("buffer", &pipeline::StreamOptions::buffer,
          "rows that may wait between two steps; a full buffer makes the step before it wait; 64MB where nothing is "
          "said"),
    field("spec", &pipeline::StreamOptions::spec,
          "a YAML or JSON file with these options; what the command line says wins")};
}  // namespace tapemill
