// Units of rows that each have a number of their own: after any fault the numbers say what was lost or stands twice.
#pragma once
#include <set>

#include "lake/scan.h"
#include "lake/units.h"
#include "lake/writer.h"
#include "lake_test.h"

namespace tapemill::lake::test {

inline Layout layout() { return {bars_schema(), {"year", "month"}, {"instrument_id", "session"}}; }

/// One unit of `rows` rows whose volumes are first..first+rows-1: every row has a number of its own.
inline Status bring(const Table& table, const std::string& unit, int first, int rows, const std::string& sha = "s") {
  std::vector<Bar> bars;
  for (int i = 0; i < rows; ++i)
    bars.push_back({fmt::format("S{}", i), Date::of(2024, 1, 1) + (first + i) % 300, 1, first + i});
  MemoryBudget budget;
  ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, table.snapshot());
  ARROW_ASSIGN_OR_RAISE(auto known, units(snapshot));
  Transaction one;
  one.read_version = snapshot.version;
  one.touches = {unit};
  std::int64_t ordinal = 0;
  for (const UnitState& state : known) {
    if (state.unit != unit) continue;
    if (state.sha256 == sha) return Status::OK();  // it is in
    ordinal = state.ordinal + 1;
    one.removes = state.paths;
  }
  ARROW_ASSIGN_OR_RAISE(auto writer, write_parts(table, layout(), Provenance{sha, unit, "f", ordinal, {}}, budget));
  ARROW_RETURN_NOT_OK(writer->write(batch_of(bars)));
  ARROW_ASSIGN_OR_RAISE(one.adds, writer->finish());
  return table.commit(one).status();
}

inline std::multiset<std::int64_t> volumes(const Lake& lake) {
  auto rows = must(scan(lake, ScanRequest{{Layer::bronze, "bars"}, {"volume"}, {}, {}, {}, {}, {}})).rows;
  std::multiset<std::int64_t> out;
  for (double value : must(doubles(*rows, "volume"))) out.insert(static_cast<std::int64_t>(value));
  return out;
}
inline std::multiset<std::int64_t> numbers(int count) {
  std::multiset<std::int64_t> out;
  for (int i = 0; i < count; ++i) out.insert(i);
  return out;
}

}  // namespace tapemill::lake::test
