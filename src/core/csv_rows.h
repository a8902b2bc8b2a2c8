#pragma once
#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tapemill {

/// Rows as CSV for other programs: RFC 4180 with lines that end in LF. Full precision; nulls empty, an empty text in quotes (a
/// null alone in its row too: readers take an empty line for none); times as 2024-10-28T03:45:00Z, those without a zone without
/// the Z; bytes as \x0A; lists and structs as JSON.
void append_csv_header(std::string& out, const arrow::Schema& schema);
void append_csv_row(std::string& out, const arrow::RecordBatch& rows, std::int64_t row);

/// One value as CSV has it, unquoted; a null is empty.
void append_exact(std::string& out, const arrow::Array& array, std::int64_t row);

}  // namespace tapemill
