// What the lake's tests share: a folder that goes away, a small table of daily bars, parts by the real writer.
#pragma once
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lake/lake.h"
#include "support/folder.h"

namespace tapemill::lake::test {
using tapemill::test::Folder;
using tapemill::test::must;

#define ASSERT_OK(expression)                                       \
  do {                                                              \
    const ::arrow::Status ok_status(::arrow::ToStatus(expression)); \
    ASSERT_TRUE(ok_status.ok()) << ok_status.ToString();            \
  } while (false)
#define EXPECT_OK(expression)                                       \
  do {                                                              \
    const ::arrow::Status ok_status(::arrow::ToStatus(expression)); \
    EXPECT_TRUE(ok_status.ok()) << ok_status.ToString();            \
  } while (false)

inline std::shared_ptr<arrow::Schema> bars_schema() {
  return arrow::schema({arrow::field("instrument_id", arrow::utf8()), arrow::field("session", arrow::date32()),
                        arrow::field("close", arrow::decimal64(18, 4)), arrow::field("volume", arrow::int64()),
                        arrow::field("weight", arrow::float64()),
                        arrow::field("available_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
}

struct Bar {
  std::string instrument;
  Date session;
  std::int64_t close = 0, volume = 0;
  double weight = 0;
  std::int64_t available_at = 0;
};

inline std::shared_ptr<arrow::RecordBatch> batch_of(const std::vector<Bar>& bars,
                                                    arrow::MemoryPool* pool = arrow::default_memory_pool()) {
  arrow::StringBuilder instrument(pool);
  arrow::Date32Builder session(pool);
  arrow::Decimal64Builder close(arrow::decimal64(18, 4), pool);
  arrow::Int64Builder volume(pool);
  arrow::DoubleBuilder weight(pool);
  arrow::TimestampBuilder available(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), pool);
  for (const Bar& bar : bars) {
    must(instrument.Append(bar.instrument));
    must(session.Append(bar.session.days));
    must(close.Append(arrow::Decimal64(bar.close)));
    must(volume.Append(bar.volume));
    must(weight.Append(bar.weight));
    must(available.Append(bar.available_at != 0 ? bar.available_at : (bar.session.days + 1LL) * kDay));
  }
  return arrow::RecordBatch::Make(bars_schema(), static_cast<std::int64_t>(bars.size()),
                                  {must(instrument.Finish()), must(session.Finish()), must(close.Finish()),
                                   must(volume.Finish()), must(weight.Finish()), must(available.Finish())});
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A part that is only a name and some bytes: enough for the log.
inline Part fake_part(const Table& table, const std::string& name, std::int64_t rows, const std::string& unit = {}) {
  Part part;
  part.path = name;
  write_text(table.path() + "/" + name, "bytes of " + name);
  part.size = static_cast<std::int64_t>(std::filesystem::file_size(table.path() + "/" + name));
  part.rows = rows;
  part.stats = fmt::format("{{\"numRecords\":{}}}", rows);
  if (!unit.empty()) part.tags["unit"] = unit;
  return part;
}

}  // namespace tapemill::lake::test
