#pragma once
#include <arrow/type_fwd.h>

#include <memory>
#include <string>

#include "core/status.h"

namespace tapemill::lake {

/// Arrow schema <-> Delta's schemaString (PROTOCOL.md, "Schema Serialization Format"): boolean, byte, short, integer, long,
/// float, double, string, binary, date, timestamp (Arrow timestamp[us, UTC]), decimal(p,s) (Arrow decimal64 where p <= 18).
/// A field's Arrow metadata becomes Delta's field metadata, values as strings.
/// Errors: usage error for an Arrow type that Delta has not; data error for a schemaString we cannot read.
Result<std::string> delta_schema(const arrow::Schema& schema);
Result<std::shared_ptr<arrow::Schema>> arrow_schema(const std::string& schema_string);

/// The type's Delta name, such as "decimal(18,2)"; empty where Delta has none.
std::string delta_type(const arrow::DataType& type);

}  // namespace tapemill::lake
