#include "analytics/features.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "analytics/bars.h"
#include "analytics/requests.h"
#include "core/dataset.h"
#include "lake/scan.h"
#include "lake/watermark.h"
#include "lake/writer.h"
#include "panel.h"

namespace tapemill::analytics {
namespace {

namespace fs = std::filesystem;

class Features : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / fmt::format("tapemill_features_{}_{}", ::getpid(),
                                                    testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    lake_.emplace(*lake::Lake::open((root_ / "lake").string(), true));
  }
  void TearDown() override { fs::remove_all(root_); }

  /// Bars of two symbols in bronze.stocks_daily, as one unit; the same unit again replaces them. `arrival`: of every row of
  /// the second half, in microseconds, 0: the close of its session.
  void store(int bars, int cents, std::int64_t arrival = 0, const std::string& unit = "2024") {
    Dataset dataset = *load_dataset("stocks_daily");
    lake::Table table = lake_->table(lake::Layer::bronze, dataset.table);
    ASSERT_TRUE(table.create(dataset).ok());
    std::vector<Date> sessions = dataset.calendar->sessions(Date::of(2024, 1, 2), Date::of(2024, 12, 31));
    arrow::RecordBatchVector batches;
    auto builder = *arrow::RecordBatchBuilder::Make(dataset.schema(), arrow::default_memory_pool());
    for (int s = 0; s < 2; ++s) {
      for (int i = 0; i < bars; ++i) {
        auto day = static_cast<std::size_t>(i);
        std::int64_t close = 100'0000 + s * 50'0000 + ((i * 37 + s * 11) % 29) * 1'0000 + cents * 100;
        const auto schema = dataset.schema();
        for (int c = 0; c < schema->num_fields(); ++c) {
          const std::string& name = schema->field(c)->name();
          auto price = [&](std::int64_t value) {
            ASSERT_TRUE(builder->GetFieldAs<arrow::Decimal64Builder>(c)->Append(arrow::Decimal64(value)).ok());
          };
          if (name == "instrument_id")
            ASSERT_TRUE(builder->GetFieldAs<arrow::StringBuilder>(c)->Append(s == 0 ? "US:AA" : "US:BB").ok());
          else if (name == "symbol")
            ASSERT_TRUE(builder->GetFieldAs<arrow::StringBuilder>(c)->Append(s == 0 ? "AA" : "BB").ok());
          else if (name == "session")
            ASSERT_TRUE(builder->GetFieldAs<arrow::Date32Builder>(c)->Append(sessions[day].days).ok());
          else if (name == "open") price(close - 5000);
          else if (name == "high") price(close + 10000);
          else if (name == "low") price(close - 10000);
          else if (name == "close") price(close);
          else if (name == "volume")
            ASSERT_TRUE(builder->GetFieldAs<arrow::DoubleBuilder>(c)->Append(i % 10 == 9 ? 0 : 1000 + i).ok());
          else if (name == "transactions") ASSERT_TRUE(builder->GetFieldAs<arrow::Int64Builder>(c)->Append(10).ok());
          else {
            std::int64_t known = dataset.calendar->session(sessions[day])->close().us;
            if (i == bars / 2 && arrival > 0) known = arrival;
            if (auto late = arrivals_.find({s, i}); late != arrivals_.end()) known = late->second;
            ASSERT_TRUE(builder->GetFieldAs<arrow::TimestampBuilder>(c)->Append(known).ok());
          }
        }
      }
    }
    auto rows = *builder->Flush();
    lake::Snapshot before = *table.snapshot();
    auto units = *lake::units(before);
    lake::Transaction transaction;
    transaction.read_version = before.version;
    lake::Provenance provenance{fmt::format("{:064x}", bars * 1000 + cents), unit, "test", 0, {}};
    for (const auto& one : units) {
      provenance.ordinal = one.ordinal + 1;
      transaction.removes.insert(transaction.removes.end(), one.paths.begin(), one.paths.end());
    }
    auto writer = *lake::write_parts(table, lake::layout_of(dataset), provenance, budget_);
    ASSERT_TRUE(writer->write(rows).ok());
    transaction.adds = *writer->finish();
    auto committed = table.commit(transaction);
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
  }

  FeatureGroup group(const std::string& columns, const std::string& version = "1.0.0") {
    std::string path = (root_ / "tiny.yaml").string();
    std::ofstream(path) << "features: tiny\nversion: " << version << "\nfrom: {table: stocks_daily}\ncolumns:\n"
                        << columns;
    auto loaded = load_feature_group(path);
    EXPECT_TRUE(loaded.ok()) << render(loaded.status(), false);
    return *loaded;
  }
  FeatureBuild build(const FeatureGroup& group, int threads = 1) {
    auto built = build_features(*lake_, group, "", Workers(threads), budget_);
    EXPECT_TRUE(built.ok()) << render(built.status(), false);
    return built.ok() ? *built : FeatureBuild{};
  }
  std::shared_ptr<arrow::Table> rows(const std::string& table) {
    lake::ScanRequest request;
    request.table = {lake::Layer::gold, table};
    auto scanned = lake::scan(*lake_, request);
    EXPECT_TRUE(scanned.ok()) << render(scanned.status(), false);
    return scanned->rows;
  }

  fs::path root_;
  std::map<std::pair<int, int>, std::int64_t> arrivals_;  // of a symbol's bar: restated
  std::optional<lake::Lake> lake_;
  MemoryBudget budget_;
};

TEST_F(Features, TheTableHoldsWhatTicksSay) {
  store(120, 0);
  FeatureGroup momentum = *load_feature_group("momentum");
  FeatureBuild built = build(momentum);
  EXPECT_EQ(built.table, "gold.features_momentum");
  EXPECT_EQ(built.rows, 240);
  EXPECT_FALSE(built.unchanged);
  EXPECT_EQ(built.warm_up, 252);
  EXPECT_NE(std::find(built.resolved.begin(), built.resolved.end(), "rsi(period=14, smoothing=wilder)"),
            built.resolved.end());
  auto table = rows("features_momentum");
  ASSERT_EQ(table->num_rows(), 240);

  lake::ScanRequest request;
  request.table = {lake::Layer::silver, "stocks_daily"};
  auto source = lake::scan(*lake_, request)->rows;
  auto series = *Series::compile(momentum.columns, {"open", "high", "low", "close", "volume"});
  std::vector<std::vector<double>> inputs, features;
  for (const auto& name : series.inputs()) inputs.push_back(*lake::doubles(*source, name));
  for (const auto& one : momentum.columns) features.push_back(*lake::doubles(*table, one.name));
  std::vector<double> in(inputs.size()), out(features.size());
  int known = 0;
  for (std::size_t s = 0; s < 2; ++s) {
    auto tick = series.tick();
    for (std::size_t row = s * 120; row < s * 120 + 120; ++row) {
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = inputs[i][row];
      tick->update(in.data(), 0, out.data());
      for (std::size_t j = 0; j < out.size(); ++j) {
        EXPECT_TRUE(same_bits({out[j]}, {features[j][row]}) || (std::isnan(out[j]) && std::isnan(features[j][row])))
            << momentum.columns[j].name << " " << row;
        known += !std::isnan(out[j]);
      }
    }
  }
  EXPECT_GT(known, 1000);
  auto group_column = std::static_pointer_cast<arrow::StringArray>(table->GetColumnByName("feature_group")->chunk(0));
  EXPECT_EQ(group_column->GetView(0), "momentum");
  EXPECT_EQ(table->GetColumnByName("adjusted_as_known")->null_count(), 240);
  auto parts = lake_->table(lake::Layer::gold, "features_momentum").snapshot()->parts;
  EXPECT_EQ(parts.front().path.substr(0, 40), "feature_group=momentum/year=2024/month=0");
}

TEST_F(Features, BuildingAgainChangesNothingAndNewDataEverything) {
  store(60, 0);
  FeatureGroup tiny = group("  ret: log(close / ref(close, 1))\n  s5: sma(close, 5)\n");
  FeatureBuild first = build(tiny);
  FeatureBuild again = build(tiny, 3);
  EXPECT_TRUE(again.unchanged);
  EXPECT_EQ(again.table_version, first.table_version);
  EXPECT_EQ(again.rows, 120);
  EXPECT_EQ(again.bytes, first.bytes);

  store(61, 0);
  FeatureBuild more = build(tiny);
  EXPECT_FALSE(more.unchanged);
  EXPECT_EQ(more.source_version, first.source_version + 1);
  EXPECT_EQ(more.table_version, first.table_version + 1);
  EXPECT_EQ(rows("features_tiny")->num_rows(), 122);

  store(60, 0);  // an earlier content returns: no path of the first build is reused
  FeatureBuild back = build(tiny);
  EXPECT_FALSE(back.unchanged);
  EXPECT_EQ(rows("features_tiny")->num_rows(), 120);
  lake::Table table = lake_->table(lake::Layer::gold, "features_tiny");
  std::set<std::string> old;
  lake::Snapshot then = *table.snapshot(first.table_version), now = *table.snapshot();
  for (const auto& part : then.parts) old.insert(part.path);
  for (const auto& part : now.parts) EXPECT_FALSE(old.contains(part.path)) << part.path;
}

TEST_F(Features, AChangedGroupReplacesItsColumns) {
  store(30, 0);
  FeatureBuild first = build(group("  s5: sma(close, 5)\n  up: close > open\n"));
  FeatureBuild second = build(group("  s6: sma(close, 6)\n"));
  EXPECT_EQ(second.table_version, first.table_version + 1);
  auto table = rows("features_tiny");
  EXPECT_EQ(table->GetColumnByName("s5"), nullptr);
  ASSERT_NE(table->GetColumnByName("s6"), nullptr);
  EXPECT_EQ(table->GetColumnByName("s6")->null_count(), 10);
  FeatureBuild third = build(group("  s6: sma(close, 6)\n", "1.1.0"));  // the version is a column
  EXPECT_FALSE(third.unchanged);
  lake::ScanRequest before;
  before.table = {lake::Layer::gold, "features_tiny"};
  before.version = first.table_version;
  auto old = lake::scan(*lake_, before);
  ASSERT_TRUE(old.ok()) << render(old.status(), false);
  EXPECT_NE(old->rows->GetColumnByName("s5"), nullptr);
}

TEST_F(Features, AValueIsKnownWhenItsLatestInputIs) {
  std::int64_t late = Instant::parse("2025-06-01T00:00:00Z")->us;
  store(40, 0, late);  // row 20 of each symbol arrived late
  auto known_of = [&](const std::string& columns) {
    build(group(columns));
    return std::static_pointer_cast<arrow::TimestampArray>(
        *arrow::Concatenate(rows("features_tiny")->GetColumnByName("available_at")->chunks()));
  };
  auto window = known_of("  s5: sma(close, 5)\n");
  for (std::int64_t row = 0; row < 80; ++row) {
    if (row % 40 >= 20 && row % 40 < 25) EXPECT_EQ(window->Value(row), late) << row;
    else EXPECT_LT(window->Value(row), late) << row;
  }
  auto recursive = known_of("  s5: sma(close, 5)\n  e5: ema(close, 5)\n");  // a row is known when all of it is
  for (std::int64_t row = 0; row < 80; ++row) EXPECT_EQ(recursive->Value(row) == late, row % 40 >= 20) << row;
}

TEST_F(Features, AvailableAtIsTheLatestOfTheWidestWindow) {
  constexpr int kBars = 60, kAll = 1000;
  const std::vector<std::pair<std::string, int>> columns = {{"close > open", 1},
                                                            {"sma(close, 5)", 5},
                                                            {"ref(close, 7)", 8},
                                                            {"log(close / ref(close, 3))", 4},
                                                            {"sum(sma(close, 4), 3)", 6},
                                                            {"stoch(fast_k=6)", 10},
                                                            {"std(close, 9)", 9},
                                                            {"crosses_above(close, sma(close, 3))", 4},
                                                            {"vwap()", 1},
                                                            {"ema(close, 5)", kAll},
                                                            {"rsi(close, 5)", kAll},
                                                            {"obv()", kAll}};
  std::mt19937_64 random(7);
  auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 12; ++round) {
    arrivals_.clear();
    for (int i = below(6); i >= 0; --i)
      arrivals_[{below(2), below(kBars)}] = Instant::parse("2025-06-01T00:00:00Z")->us + below(1000);
    store(kBars, round);
    std::string text;
    int window = 1;
    for (int i = 0; i < 1 + round % 3; ++i) {
      const auto& [column, wide] = columns[static_cast<std::size_t>(below(columns.size() - (i > 0 ? 3 : 0)))];
      text += fmt::format("  c{}: {}\n", i, column);
      window = std::max(window, wide);
    }
    build(group(text));
    lake::ScanRequest request;
    request.table = {lake::Layer::silver, "stocks_daily"};
    auto times = [](const arrow::Table& table) {
      return std::static_pointer_cast<arrow::TimestampArray>(
          *arrow::Concatenate(table.GetColumnByName("available_at")->chunks()));
    };
    auto own = times(*lake::scan(*lake_, request)->rows), known = times(*rows("features_tiny"));
    ASSERT_EQ(own->length(), known->length());
    for (std::int64_t row = 0; row < own->length(); ++row) {
      std::int64_t latest = 0;
      for (std::int64_t i = std::max(row / kBars * kBars, row - window + 1); i <= row; ++i)
        latest = std::max(latest, own->Value(i));
      ASSERT_EQ(known->Value(row), latest) << text << row;
    }
  }
}

TEST_F(Features, ThreadsDoNotShow) {
  store(100, 0);
  auto built = [&](int threads) {
    fs::remove_all(root_ / "lake" / "gold");
    build(*load_feature_group("volatility"), threads);
    lake::Snapshot snapshot = *lake_->table(lake::Layer::gold, "features_volatility").snapshot();
    std::string text;
    for (const auto& part : snapshot.parts) text += part.path + fmt::format(" {}\n", part.size);
    return text;
  };
  std::string one = built(1), four = built(4);
  EXPECT_EQ(one, four);
}

TEST_F(Features, S1DailyByHand) {
  store(25, 0);
  build(*load_feature_group("s1_daily"));
  auto table = rows("features_s1_daily");
  auto value = [&](const char* name, std::size_t row) { return (*lake::doubles(*table, name))[row]; };
  // closes 100, 108 (37 % 29 = 8); open = close - 0.5, high and low = close +- 1
  EXPECT_TRUE(std::isnan(value("alpha_daily", 0)));
  EXPECT_DOUBLE_EQ(value("alpha_daily", 1), -std::log(108.0 / 100.0));
  EXPECT_DOUBLE_EQ(value("price_range", 1), 2);
  EXPECT_DOUBLE_EQ(value("daily_return", 0), 100 / 99.5 - 1);
  EXPECT_DOUBLE_EQ(value("vwap", 1), 108);
  EXPECT_TRUE(std::isnan(value("vwap", 9)));  // nothing traded
  EXPECT_TRUE(std::isnan(value("relative_volume", 18)));
  // volumes 1000 .. 1018 without 1009, 0 at 9 and 19: sum of 18 volumes is 18 * 1000 + (0 + ... + 18) - 9 = 18162
  EXPECT_DOUBLE_EQ(value("relative_volume", 19), 0);
  EXPECT_DOUBLE_EQ(value("relative_volume", 20), 1020 / ((18162 - 1000 + 1020) / 20.0));
}

TEST_F(Features, SignalsOfScannedBarsAreThoseOfTicks) {
  store(250, 0);
  lake::ScanRequest request;
  request.table = {lake::Layer::silver, "stocks_daily"};
  auto source = lake::scan(*lake_, request)->rows;
  auto spans = *lake::spans(*source);
  SignalOptions options;
  options.strategies = {"momentum", "mean_reversion", "trend_following", "volatility_breakout"};
  options.min_confidence = 0.5;
  auto batch = detect_signals(options, *source, spans, "session", Workers(2), arrow::default_memory_pool());
  ASSERT_TRUE(batch.ok()) << render(batch.status(), false);

  auto requested = *resolve_requests(*SignalDetector::requests(options.strategies), kBarColumns);
  auto indicators = *Series::compile(requested, kBarColumns);
  std::vector<std::string> columns = kBarColumns;
  for (const auto& one : requested) columns.push_back(one.name);
  auto detector = *SignalDetector::make(options, columns);
  std::vector<std::vector<double>> bars;
  for (const auto& name : kBarColumns) bars.push_back(*lake::doubles(*source, name));
  std::vector<std::pair<std::int64_t, std::string>> ticks, found;
  auto shown = [](const Signal& s) {
    return fmt::format("{} {} {} {} {}", name(s.side), s.strategy, s.confidence, s.stop_loss, s.take_profit);
  };
  for (const auto& span : spans) {
    auto own = indicators.tick();
    SignalDetector::Tick detect(detector);
    for (auto r = static_cast<std::size_t>(span.first); r < static_cast<std::size_t>(span.last); ++r) {
      std::map<std::string, double> row;
      for (std::size_t c = 0; c < 5; ++c) row[kBarColumns[c]] = bars[c][r];
      std::vector<double> in, out(requested.size());
      for (const auto& name : indicators.inputs()) in.push_back(row[name]);
      own->update(in.data(), 0, out.data());
      for (std::size_t j = 0; j < out.size(); ++j) row[requested[j].name] = out[j];
      in.clear();
      for (const auto& name : detector.inputs()) in.push_back(row[name]);
      if (auto signal = detect.update(in.data())) ticks.emplace_back(r, shown(*signal));
    }
  }
  for (const auto& one : *batch) found.emplace_back(one.row, shown(one.signal));
  EXPECT_EQ(found, ticks);
  EXPECT_GT(found.size(), 0u);
}

TEST_F(Features, WrongUseIsSaid) {
  auto message = [&](const std::string& text) {
    std::string path = (root_ / "wrong.yaml").string();
    std::ofstream(path) << text;
    auto loaded = load_feature_group(path);
    if (!loaded.ok()) return render(loaded.status(), false);
    auto built = build_features(*lake_, *loaded, "", Workers(1), budget_);
    return built.ok() ? "built" : render(built.status(), false);
  };
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily}\ncolums: {}\n").find("did you mean"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily}\ncolumns: {a: rsi(clsoe)}\n")
                .find("wrong.yaml:4:14: a: unknown column clsoe"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily}\ncolumns: {session: close}\n")
                .find("give the feature another name"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily}\ncolumns: {a b: close}\n")
                .find("no name of a column"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily, adjusted: true}\ncolumns: {a: close}\n")
                .find("no corporate actions"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {table: stocks_daily}\ncolumns: {a: close}\n")
                .find("there is no table stocks_daily"),
            std::string::npos);
  EXPECT_NE(message("features: x\nversion: 1\nfrom: {}\ncolumns: {a: close}\n").find("names no table"),
            std::string::npos);
  EXPECT_NE(message("- a\n").find("a feature group is a map"), std::string::npos);
  auto unknown = load_feature_group("momentun");
  EXPECT_EQ(render(unknown.status(), false), "error: there is no feature group momentun\ndid you mean momentum?\n");
  EXPECT_FALSE(load_feature_group("../momentum").ok());
}

TEST_F(Features, TheWarehousesColumnsAreThere) {
  store(30, 0);
  build(*load_feature_group("equity_indicators"));
  auto schema = rows("features_equity_indicators")->schema();
  for (const char* name :
       {"symbol",   "session",     "feature_version", "sma_5",          "sma_10",       "sma_20",
        "sma_50",   "sma_100",     "sma_200",         "ema_12",         "ema_26",       "ema_50",
        "rsi_14",   "macd",        "macd_signal",     "macd_histogram", "stochastic_k", "stochastic_d",
        "bb_upper", "bb_middle",   "bb_lower",        "bb_width",       "atr_14",       "vwap",
        "obv",      "volume_ma_20"})
    EXPECT_GE(schema->GetFieldIndex(name), 0) << name;
}

TEST(FeatureGroups, ThoseShippedCompileOverTheirTablesAndTheIndex) {
  auto names = feature_groups();
  EXPECT_GE(names.size(), 4u);
  for (const auto& name : names) {
    auto group = load_feature_group(name);
    ASSERT_TRUE(group.ok()) << render(group.status(), false);
    for (const char* table : {"stocks_daily", "sp500_index", "sp500", "nse_cash"}) {
      Dataset dataset = *load_dataset(table);
      std::vector<std::string> columns;
      for (const auto& column : dataset.columns) columns.push_back(column.name);
      auto series = Series::compile(group->columns, columns);
      EXPECT_TRUE(series.ok()) << render(series.status(), false);
    }
  }
}

}  // namespace
}  // namespace tapemill::analytics
