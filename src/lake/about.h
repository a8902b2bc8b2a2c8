#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lake/lake.h"

namespace tapemill::lake {

/// What the rows of a table are, for whoever reads them: the spec that the lake keeps of the last ingest into bronze.`table`,
/// whatever spec of that name lies elsewhere; where it keeps none, datasets/NAME.yaml. Usage error with the names there are.
Result<Dataset> dataset_of(const Lake& lake, const std::string& table);

/// The data set as it is declared now, for what writes or judges by it (ingest, rebuild, schema, release, quality): a path
/// that ends in .yaml, or datasets/NAME.yaml of the current folder or of the share folder; else dataset_of().
Result<Dataset> declared_dataset(const Lake& lake, const std::string& name_or_path);

/// Every data set whose bronze table is in the lake, by table.
std::vector<Dataset> datasets_in(const Lake& lake);

/// First and last session of a version, by the log's statistics; nothing where they are not kept.
std::optional<std::pair<Date, Date>> sessions_of(const Snapshot& snapshot, const std::string& column = "session");

/// What is wrong with the newest version of a table: its log cannot be read, or parts are missing or of another size than
/// the log says (one stat each). Empty: nothing.
std::string damage_of(const Table& table);
/// Every table of the lake that damage_of() says something of, with what it says; silver's views are their bronze tables.
/// What `doctor` and /health tell. Errors: the lake's folders cannot be listed.
Result<std::vector<std::pair<TableName, std::string>>> damaged_tables(const Lake& lake);

}  // namespace tapemill::lake
