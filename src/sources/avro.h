#pragma once
#include <arrow/memory_pool.h>

#include <memory>
#include <string>

#include "core/dataset.h"
#include "sources/records.h"

namespace tapemill::sources {

inline constexpr std::string_view kAvroMagic{"Obj\1", 4};

/// Avro object container files (Avro 1.11, "Object Container Files"): codecs null, deflate, snappy, zstandard and bzip2,
/// told by their first bytes, themselves perhaps packed. Records come by the schema in the file, resolved to the data set's
/// columns by Avro's rules: promotions, defaults and aliases; fields that nothing asks for are passed over. A record's line
/// is its number in the file; its byte is where it stands when the blocks are unpacked (the file's own where they are not
/// packed). A record that cannot be read is refused with the rest of its block.
/// Errors (data): no such file, a codec or schema that does not fit, a block that is cut short, too large or without its
/// sync marker. Status code OutOfMemory: a block that `pool`, which it is counted in, has no room for.
Result<std::unique_ptr<RecordReader>> open_avro(const Dataset& dataset, const std::string& path,
                                                arrow::MemoryPool* pool);

}  // namespace tapemill::sources
