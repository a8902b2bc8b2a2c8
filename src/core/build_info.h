#pragma once

namespace tapemill {

/// What this program was built from. The strings live as long as the program.
const char* version();      // project(VERSION) of CMakeLists.txt, such as "0.1.0"
const char* source_hash();  // 64 hex digits: sha-256 over paths and contents of src/, without git; part of a run's id
const char* source_dir();  // absolute path of the source tree; it may be gone on the machine that runs

}  // namespace tapemill
