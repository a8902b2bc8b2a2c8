#pragma once
#include <memory>
#include <string>

#include "core/dataset.h"
#include "sources/records.h"

namespace tapemill::sources {

/// Protobuf messages in a file: each a length (varint) and its bytes, as writeDelimitedTo() and its like write them, perhaps
/// packed as gzip. What a message is says a descriptor set (protoc --include_imports --descriptor_set_out) that the spec
/// names. A message's line is its number in the file. One that does not fit is refused alone, for its length is known.
/// Errors (data): a descriptor set or message that is none, a field that the column cannot be read from, a length that
/// reaches past the end of the file or over 16 MB.
Result<std::unique_ptr<RecordReader>> open_protobuf(const Dataset& dataset, const std::string& path);

}  // namespace tapemill::sources
