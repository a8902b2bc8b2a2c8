// A lake with the two tables that the shipped strategies read, by the real writer and log.
#pragma once
#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <map>
#include <random>

#include "backtest_test.h"
#include "lake/writer.h"

namespace tapemill::backtest {

/// Values of the columns a test cares for, as text by column; every other column is null.
using Row = std::map<std::string, std::int64_t>;  // decimals at their scale, dates as days, instants as microseconds
struct Rows {
  std::vector<Row> numbers;
  std::vector<std::map<std::string, std::string>> texts;
};

inline std::shared_ptr<arrow::RecordBatch> batch_of(const Dataset& dataset, const Rows& rows) {
  auto schema = dataset.schema();
  arrow::ArrayVector columns;
  for (const auto& field : schema->fields()) {
    auto builder = must(arrow::MakeBuilder(field->type()));
    bool used = false;
    for (std::size_t i = 0; i < rows.numbers.size() && !used; ++i)
      used = rows.numbers[i].contains(field->name()) || rows.texts[i].contains(field->name());
    if (!used) {
      columns.push_back(must(arrow::MakeArrayOfNull(field->type(), static_cast<std::int64_t>(rows.numbers.size()))));
      continue;
    }
    for (std::size_t i = 0; i < rows.numbers.size(); ++i) {
      auto number = rows.numbers[i].find(field->name());
      auto text = rows.texts[i].find(field->name());
      if (text != rows.texts[i].end()) must(static_cast<arrow::StringBuilder&>(*builder).Append(text->second));
      else if (number == rows.numbers[i].end()) must(builder->AppendNull());
      else if (field->type()->id() == arrow::Type::DECIMAL64)
        must(static_cast<arrow::Decimal64Builder&>(*builder).Append(arrow::Decimal64(number->second)));
      else if (field->type()->id() == arrow::Type::DATE32)
        must(static_cast<arrow::Date32Builder&>(*builder).Append(static_cast<int>(number->second)));
      else if (field->type()->id() == arrow::Type::INT32)
        must(static_cast<arrow::Int32Builder&>(*builder).Append(static_cast<int>(number->second)));
      else if (field->type()->id() == arrow::Type::TIMESTAMP)
        must(static_cast<arrow::TimestampBuilder&>(*builder).Append(number->second));
      else must(static_cast<arrow::Int64Builder&>(*builder).Append(number->second));
    }
    columns.push_back(must(builder->Finish()));
  }
  return arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(rows.numbers.size()), columns);
}

inline void store(const lake::Lake& lake, const std::string& name, const std::string& unit, const Rows& rows) {
  Dataset dataset = must(load_dataset(name));
  lake::Table table = lake.table(lake::Layer::bronze, name);
  must(table.create(dataset));
  MemoryBudget budget;
  lake::Provenance provenance;
  provenance.sha256 = std::string(64, 'a'), provenance.unit = unit, provenance.form = "test";
  auto writer = must(lake::write_parts(table, lake::layout_of(dataset), provenance, budget));
  must(writer->write(batch_of(dataset, rows)));
  lake::Transaction transaction;
  transaction.read_version = must(table.version());
  transaction.adds = must(writer->finish());
  must(table.commit(transaction).status());
}

/// Sessions of `dates` of the index with a random walk, at six decimals.
inline void store_index(const lake::Lake& lake, Date from, Date to, unsigned seed = 7) {
  auto calendar = must(Calendar::load("nyse"));
  std::mt19937 random(seed);
  Rows rows;
  std::int64_t price = 1'000'000'000;
  for (Date date : calendar->sessions(from, to)) {
    Session s = must(calendar->session(date));
    std::int64_t open = price, close = price + static_cast<std::int64_t>(random() % 40'000'001) - 19'500'000;
    price = close;
    rows.numbers.push_back({{"session", date.days},
                            {"open", open},
                            {"high", std::max(open, close) + 1'000'000},
                            {"low", std::min(open, close) - 1'000'000},
                            {"close", close},
                            {"adjusted_close", close},
                            {"volume", 1000},
                            {"available_at", s.close().us}});
    rows.texts.push_back({{"instrument_id", "US:SPX"}, {"symbol", "SPX"}});
  }
  store(lake, "sp500_index", from.str(), rows);
}

/// One day of TAPE: strikes 950, 1000, 1050, both sides, and spot, every `every` seconds of the first 25 and the last 30
/// minutes of the session.
inline void store_chain(const lake::Lake& lake, Date date, int every = 1, bool crossed = false) {
  auto calendar = must(Calendar::load("nse_fo"));
  Session s = must(calendar->session(date));
  Date expiry = Date::of(2024, 1, 11);
  Rows rows;
  for (Instant t = s.open(); t < s.close(); t.us += every * kSecond) {
    auto second = (t.us - s.open().us) / kSecond;
    if (second > 25 * 60 && s.close().us - t.us > 30 * kMinute) continue;
    std::int64_t spot = 100'000 + (second * 7919) % 4000 - 2000;
    auto base = [&](const std::string& id) {
      rows.texts.push_back({{"instrument_id", "NSE:" + id}, {"symbol", id}, {"underlying", "TAPE"}});
      rows.numbers.push_back({{"session", date.days}, {"time", t.us}, {"available_at", t.us + kSecond}});
    };
    base("TAPE");
    rows.numbers.back()["price"] = spot;
    for (std::int64_t strike : {95'000, 100'000, 105'000}) {
      for (const char* type : {"CE", "PE"}) {
        base("TAPE" + std::to_string(strike / 100) + type);
        Row& row = rows.numbers.back();
        rows.texts.back()["option_type"] = type;
        std::int64_t bid = 4000 + (second * 104729 + strike) % 1000 / 5 * 5;
        row["expiry"] = expiry.days, row["strike"] = strike, row["price"] = bid, row["volume"] = second, row["oi"] = 10;
        row["bp0"] = bid, row["sp0"] = crossed ? bid - 10 : bid + 10, row["bq0"] = 500, row["sq0"] = 500;
      }
    }
  }
  store(lake, "snapshots", date.str(), rows);
}

}  // namespace tapemill::backtest
