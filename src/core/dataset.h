#pragma once
#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calendar.h"
#include "core/status.h"

namespace tapemill {

enum class Kind { boolean, int32, int64, float64, decimal, string, date, timestamp };

/// One column of a data set. Arrow types: bool, int32, int64, float64, decimal64(18, scale), utf8, date32, timestamp[us, UTC].
struct Column {
  std::string name;
  Kind kind = Kind::string;
  int scale = 0;                 // of a decimal
  std::string unit;              // "USD", "shares"; empty where there is none
  bool null_refused = false;     // null: refuse
  bool has_default = false;             // default: files of before the column was there may lack it
  std::optional<std::string> fallback;  // what rows of such files and parts have; none: null
  std::vector<std::string> aliases;     // names that the column had before
  std::vector<std::string> symbols;     // the only texts that a string may have; empty: any
  std::string encoding;          // plain | dictionary | delta | byte_stream_split; empty: by type
  std::string help;
  std::shared_ptr<arrow::DataType> type() const;
  Result<std::shared_ptr<arrow::Scalar>> default_value() const;  // of type(); data error where the text is none of it
};

struct CheckSpec {
  std::string name;  // ohlc_order, unique_key, expression, ...
  enum class Severity { warn, quarantine, stop } severity = Severity::quarantine;
  std::vector<std::string> columns;
  std::vector<std::string> of;  // expressions whose values are judged by a statistic
  std::string rule;  // of an expression
  double over = 0;  // threshold: of a move, of a share, k of a statistic; 0: its default
  std::optional<double> least, most;  // of a range, inclusive; least share of a completeness
  std::string by;  // column whose values are judged apart; "none": all rows of the file
  bool change = false;  // a statistic of value / the one before - 1
  std::int64_t window = 0, after = 0;  // rows a statistic is fitted on at most, at least; 0: its default
  std::int64_t trees = 0, seed = 1;  // of an isolation forest
  std::int64_t within = 0;  // microseconds: of a quote's age
  std::vector<std::string> given;  // the keys that were written
  std::string where;  // file:line of the declaration
};

struct CsvColumn {
  std::string from;  // header name in the file
  std::string format;  // of a date or time
  std::string fill;  // text with {column} of other columns: "{exchange}:{symbol}"
};

/// A data set as its YAML declares it (docs/formats/dataset.md; datasets/*.yaml).
struct Dataset {
  std::string table, title, source, calendar_name, currency, exchange;
  std::string schema_version;  // 1.2.0; empty: none is declared, and rows carry none
  std::string path;  // of the YAML
  std::string text;  // the YAML itself: what a lake keeps of it
  std::shared_ptr<const Calendar> calendar;
  bool session_from_file_name = false;
  std::string session_column = "session";
  std::vector<std::string> key, partitions, sort;
  std::string available = "session_close";  // session_close | bar_close
  std::int64_t available_lag = 0, bar = 0;  // microseconds; bar: kDay, kMinute, kSecond
  bool intraday = false;  // rows of times within a session: by `bar`, or, where none is written, by `time` in the key
  bool landing_copy = true;
  bool silver_is_view = true;
  struct NullRule {
    std::vector<std::string> columns;
    std::string when;
  };
  std::vector<NullRule> silver_nulls;
  std::vector<Column> columns;  // bronze's, in order
  std::map<std::string, CsvColumn> csv;
  char csv_delimiter = ',';
  std::string csv_encoding = "utf-8";  // utf-8 | utf-16le | utf-16be | windows-1252 | latin-1
  bool csv_header = true;  // false: the columns are called column_1, column_2, ...
  std::vector<CheckSpec> checks;
  std::string bronze_retention, silver_retention;
  std::int64_t row_group_rows = 1'000'000, part_rows = 8'000'000;
  int compression_level = 3;

  const Column* column(std::string_view name) const;
  std::shared_ptr<arrow::Schema> schema() const;  // of `columns`, plus available_at timestamp[us, UTC] last
};

/// datasets/NAME.yaml of the user's folder (./datasets) or of the share folder; or a path that ends in .yaml.
Result<Dataset> load_dataset(const std::string& name_or_path);
/// A data set from the text of its YAML; `where` stands for the file's name in errors.
Result<Dataset> parse_dataset(std::string text, const std::string& where);
std::vector<std::string> dataset_names();

/// What `source:` of a spec may say; sources/source.cpp opens them.
std::vector<std::string> source_names();

}  // namespace tapemill
