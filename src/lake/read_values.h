#pragma once
#include <vector>

#include "lake/chunk_reader.h"

namespace tapemill::lake {

/// Rows of a column chunk of fixed width to where their segments say. `out` has a value of `width` bytes a row: of the
/// column's Arrow type (1, 2, 4 or 8), a boolean as a byte. `present` has a byte a row, set to 1 by the caller and to 0
/// here where a row is null (its value is 0 then); null pointer: the footer says that no row is. `past_cache`: `out` is
/// larger than the processor's caches, and is written round them.
Status read_values(ChunkReader& reader, const ColumnChunk& chunk, const std::vector<Segment>& segments,
                   Scratch& scratch, int width, std::uint8_t* out, std::uint8_t* present, bool past_cache = false);

}  // namespace tapemill::lake
