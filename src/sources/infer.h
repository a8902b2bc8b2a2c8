#pragma once
#include <string>
#include <vector>

#include "core/dataset.h"

namespace tapemill::sources {

/// What a CSV's first rows say of it, each with its evidence. A guess for a person to check: what is inferred here goes into a
/// spec that can be edited, and later rows that do not fit are quarantined, never bent.
struct InferredColumn {
  std::string header;    // as the file has it
  Column column;         // name in snake case, type
  std::string format;    // of a date or time, as a spec says it
  std::string evidence;  // "412 of 412 are whole numbers, 1 .. 98000"
};
struct Inferred {
  std::string encoding, encoding_why;
  char delimiter = ',';
  std::string delimiter_why;
  bool header = true;
  std::string header_why;
  std::vector<InferredColumn> columns;
  std::vector<std::string> key;  // unique in the sample, unless key_why says otherwise
  bool unique = true;
  bool session_from_file_name = false;
  std::int64_t sampled = 0;      // rows
};

/// Reads the first megabyte. Errors: those of inspect(); no rows; nothing that could be a session (data).
Result<Inferred> infer(const std::string& path);

/// A spec of the data set, with the evidence as comments.
std::string spec_of(const Inferred& inferred, const std::string& table, const std::string& calendar,
                    const std::string& file);

}  // namespace tapemill::sources
