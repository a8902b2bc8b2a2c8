#pragma once
#include "sources/gzip.h"

namespace tapemill::sources {

/// A file's text as UTF-8. `encoding` is a spec's word (dataset.h, csv_encoding). Of text in another encoding offsets are
/// those of its UTF-8 form; half a surrogate pair becomes U+FFFD, which no exchange writes.
Result<std::unique_ptr<Bytes>> open_text(const std::string& path, const std::string& encoding);

/// What the first bytes of a text say: a mark, the zeros of UTF-16, or no valid UTF-8 (then windows-1252, of which latin-1's
/// printable characters are a part). `why` says it in words.
std::string guess_encoding(std::string_view head, std::string& why);

}  // namespace tapemill::sources
