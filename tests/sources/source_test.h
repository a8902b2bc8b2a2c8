#pragma once
#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/paths.h"
#include "sources/gzip.h"
#include "sources/source.h"
#include "support/folder.h"

namespace tapemill::sources {
using tapemill::test::Folder;
using tapemill::test::must;
using tapemill::test::slurp;

/// A file or folder of ../shared/data; empty where it is absent.
inline std::string shared_data(const std::string& name) {
  const char* given = std::getenv("TAPEMILL_SHARED_DATA");
  std::filesystem::path root =
      given != nullptr ? given : (std::filesystem::path(share_folder()) / "../shared/data").string();
  return std::filesystem::exists(root / name) ? (root / name).string() : std::string();
}

/// What a file holds unpacked, read `step` bytes at a time.
inline Result<std::string> read_all(const std::string& path, std::size_t step) {
  ARROW_ASSIGN_OR_RAISE(auto bytes, open_bytes(path));
  std::string out, chunk(step, '\0');
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes->read(chunk.data(), chunk.size()));
    if (got == 0) return out;
    out.append(chunk, 0, got);
  }
}

/// Everything that a file yields.
struct Drained {
  Status status;
  FileInfo info;
  std::vector<SourceBatch> batches;
  std::int64_t rows = 0, rows_in = 0;
  std::vector<Refused> refused;

  std::shared_ptr<arrow::ChunkedArray> column(const std::string& name) const {
    arrow::ArrayVector chunks;
    for (const SourceBatch& batch : batches) chunks.push_back(batch.rows->GetColumnByName(name));
    return std::make_shared<arrow::ChunkedArray>(chunks);
  }
  /// The value of a row as Arrow prints it; "null" for null.
  std::string at(const std::string& name, std::int64_t row) const {
    return (*column(name)->GetScalar(row))->ToString();
  }
};

inline Drained drain(const Dataset& dataset, const std::string& path, std::int64_t memory = 0) {
  Drained out;
  auto info = inspect(dataset, path);
  if (!info.ok()) return out.status = info.status(), out;
  out.info = *info;
  static std::vector<std::unique_ptr<MemoryBudget>> budgets;  // batches outlive the call
  budgets.push_back(std::make_unique<MemoryBudget>(memory));
  auto source = open(dataset, *info, *budgets.back());
  if (!source.ok()) return out.status = source.status(), out;
  for (;;) {
    auto batch = (*source)->next({});
    if (!batch.ok()) return out.status = batch.status(), out;
    if (!batch->has_value()) return out;
    SourceBatch& b = **batch;
    EXPECT_TRUE(b.rows->ValidateFull().ok()) << b.rows->ValidateFull().ToString();
    EXPECT_TRUE(b.rows->schema()->Equals(*dataset.schema()));
    EXPECT_EQ(b.rows_in, b.rows->num_rows() + static_cast<std::int64_t>(b.refused.size()));
    EXPECT_EQ(static_cast<std::size_t>(b.rows->num_rows()), b.lines.size());
    EXPECT_EQ(b.lines.size(), b.bytes.size());
    EXPECT_EQ(b.lines.size(), b.lengths.size());
    out.rows += b.rows->num_rows();
    out.rows_in += b.rows_in;
    out.refused.insert(out.refused.end(), b.refused.begin(), b.refused.end());
    out.batches.push_back(std::move(b));
  }
}

inline Dataset dataset(const std::string& name) {
  auto loaded = load_dataset(name);
  if (!loaded.ok()) ADD_FAILURE() << loaded.status().ToString();
  return loaded.ok() ? *loaded : Dataset{};
}

inline const std::string kPolygonHeader = "ticker,volume,open,close,high,low,window_start,transactions\n";
inline constexpr std::int64_t kDay20240102 = 1704171600000000000;  // 2024-01-02 00:00 in New York, ns

}  // namespace tapemill::sources
