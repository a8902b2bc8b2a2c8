# cmake -P: writes OUTPUT (a .cpp for core/build_info.h) when, and only when, its text changes.
# The hash is over "sha256(file) path" lines in the order of the paths; it needs no git.
file(GLOB_RECURSE files RELATIVE ${SOURCE_DIR}/src ${SOURCE_DIR}/src/*.h ${SOURCE_DIR}/src/*.cpp)
list(SORT files)
set(lines "")
foreach(file IN LISTS files)
  file(SHA256 ${SOURCE_DIR}/src/${file} hash)
  string(APPEND lines "${hash} ${file}\n")
endforeach()
string(SHA256 source_hash "${lines}")
set(text "#include \"core/build_info.h\"

namespace tapemill {
const char* version() { return \"${VERSION}\"; }
const char* source_hash() { return \"${source_hash}\"; }
const char* source_dir() { return \"${SOURCE_DIR}\"; }
}  // namespace tapemill
")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
