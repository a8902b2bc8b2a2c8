// What the checks' tests share: a data set with the checks of one test, and batches of bars written by hand.
#pragma once
#include <arrow/api.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "quality/check.h"

namespace tapemill::quality {

struct Bar {
  std::string id, session;
  std::optional<double> open, high, low, close, volume;
};

/// The spec of daily bars with `checks` (lines of YAML), read as a user's file is.
inline Result<Dataset> dataset_with(const std::string& checks, const std::string& null = "allow",
                                    const std::string& more = {}) {
  std::string name = (std::filesystem::temp_directory_path() / "tapemill_quality_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return Status::IOError("mkdtemp");
  std::string path = name + "/bars.yaml";
  std::ofstream file(path);
  file << "table: bars\ntitle: bars\nsource: csv\ncalendar: nyse\ncurrency: USD\nexchange: US\nsession: {from: column, "
          "column: session}\n"
          "key: [instrument_id, session]\navailable: session_close\nbar: 1d\nsort: [instrument_id, session]\nlanding: "
          "copy\nsilver: view\ncolumns:\n"
          "  instrument_id: {type: string, null: refuse}\n  session: {type: date, null: refuse}\n";
  for (const char* column : {"open", "high", "low", "close"})
    file << "  " << column << ": {type: \"decimal(18,2)\", null: " << null << "}\n";
  file << "  volume: {type: int64}\n" << more << "csv:\n  columns:\n";
  for (const char* column : {"instrument_id", "session", "open", "high", "low", "close", "volume"})
    file << "    " << column << ": {from: " << column << "}\n";
  if (!more.empty()) file << "    prev_close: {from: prev_close}\n";
  file << "checks:\n" << checks;
  file.close();
  auto loaded = load_dataset(path);
  std::filesystem::remove_all(name);
  return loaded;
}

/// Row i stands in line first_line + i; its raw text is "row <line>".
inline SourceBatch batch_of(const std::vector<Bar>& bars, std::int64_t first_line = 2,
                            const std::vector<double>& prev_close = {}) {
  arrow::StringBuilder id;
  arrow::Date32Builder session;
  using Prices = arrow::Decimal64Builder;
  const auto price = arrow::decimal64(18, 2);
  Prices prices[5] = {Prices(price), Prices(price), Prices(price), Prices(price), Prices(price)};
  arrow::Int64Builder volume;
  auto text = std::make_shared<std::string>();
  SourceBatch batch;
  auto cents = [](double x) { return arrow::Decimal64(static_cast<std::int64_t>(std::llround(x * 100))); };
  for (const Bar& bar : bars) {
    EXPECT_TRUE((bar.id.empty() ? id.AppendNull() : id.Append(bar.id)).ok());
    EXPECT_TRUE((bar.session.empty() ? session.AppendNull() : session.Append(Date::parse(bar.session)->days)).ok());
    int at = 0;
    for (const auto& value : {bar.open, bar.high, bar.low, bar.close}) {
      EXPECT_TRUE((value ? prices[at].Append(cents(*value)) : prices[at].AppendNull()).ok());
      ++at;
    }
    EXPECT_TRUE((bar.volume ? volume.Append(static_cast<std::int64_t>(*bar.volume)) : volume.AppendNull()).ok());
    std::int64_t line = first_line + static_cast<std::int64_t>(batch.lines.size());
    std::string raw = "row " + std::to_string(line);
    batch.lines.push_back(line);
    batch.bytes.push_back(static_cast<std::int64_t>(text->size()));
    batch.lengths.push_back(static_cast<std::int32_t>(raw.size()));
    *text += raw + "\n";
  }
  std::vector<std::shared_ptr<arrow::Field>> fields{arrow::field("instrument_id", arrow::utf8()),
                                                    arrow::field("session", arrow::date32())};
  std::vector<std::shared_ptr<arrow::Array>> columns{*id.Finish(), *session.Finish()};
  int at = 0;
  for (const char* name : {"open", "high", "low", "close"})
    fields.push_back(arrow::field(name, arrow::decimal64(18, 2))), columns.push_back(*prices[at++].Finish());
  fields.push_back(arrow::field("volume", arrow::int64())), columns.push_back(*volume.Finish());
  if (!prev_close.empty()) {
    for (double x : prev_close) EXPECT_TRUE(prices[4].Append(cents(x)).ok());
    fields.push_back(arrow::field("prev_close", arrow::decimal64(18, 2))), columns.push_back(*prices[4].Finish());
  }
  batch.rows = arrow::RecordBatch::Make(arrow::schema(fields), static_cast<std::int64_t>(bars.size()), columns);
  batch.text = text;
  batch.rows_in = static_cast<std::int64_t>(bars.size());
  return batch;
}

struct Outcome {
  Report report;
  std::vector<Refused> refused;
  std::vector<std::int64_t> kept;  // lengths of the batches kept
  /// "line: reason" of the refused, or the warnings' examples.
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const auto& one : refused) all.push_back(std::to_string(one.line) + ": " + one.check + ": " + one.reason);
    return all;
  }
  const Finding* finding(const std::string& check) const {
    for (const auto& one : report.findings)
      if (one.check == check) return &one;
    return nullptr;
  }
};

/// One file of these batches through the checks, to the end.
inline Outcome judge_file(const Dataset& dataset, const std::vector<SourceBatch>& batches) {
  Outcome out;
  auto checks = make_checks(dataset);
  EXPECT_TRUE(checks.ok()) << checks.status().ToString();
  if (!checks.ok()) return out;
  for (const auto& batch : batches) {
    auto judged = judge(dataset, *checks, batch, out.report);
    EXPECT_TRUE(judged.ok()) << judged.status().ToString();
    if (!judged.ok()) return out;
    EXPECT_TRUE(judged->kept->ValidateFull().ok());
    EXPECT_EQ(judged->kept->num_rows() + static_cast<std::int64_t>(judged->refused.size()), batch.rows_in);
    out.kept.push_back(judged->kept->num_rows());
    for (auto& one : judged->refused) out.refused.push_back(std::move(one));
  }
  for (const auto& check : *checks) EXPECT_TRUE(check->finish(out.report).ok());
  EXPECT_EQ(out.report.rows_in, out.report.rows_kept + out.report.rows_quarantined);
  return out;
}

inline Outcome judge_bars(const std::string& checks, const std::vector<Bar>& bars, const std::string& null = "allow") {
  auto dataset = dataset_with(checks, null);
  EXPECT_TRUE(dataset.ok()) << dataset.status().ToString();
  if (!dataset.ok()) return {};
  return judge_file(*dataset, {batch_of(bars)});
}

}  // namespace tapemill::quality
