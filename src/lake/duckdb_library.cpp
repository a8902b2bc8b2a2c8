#include "lake/duckdb_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "core/build_info.h"

namespace fs = std::filesystem;
namespace tapemill::lake {
namespace {

std::vector<std::string> places() {
  std::error_code ignored;
  const fs::path beside = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  const fs::path deps = fs::path(source_dir()) / ".deps" / "duckdb";
  return {beside / "libduckdb.so",
          beside.parent_path() / "lib" / "libduckdb.so",
          beside.parent_path() / "lib" / "tapemill" / "libduckdb.so",
          deps / "lib" / "libduckdb.so",
          deps / "libduckdb.so",
          "libduckdb.so"};
}

Result<DuckDb> load() {
  std::string tried;
  void* library = nullptr;
  std::error_code ignored;
  for (const std::string& place : places()) {
    const bool by_loader = place.find('/') == std::string::npos;
    if (!by_loader && !fs::exists(place, ignored)) continue;
    library = ::dlopen(place.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (library != nullptr) break;
    const char* reason = ::dlerror();
    tried += (tried.empty() ? "" : "; ") + std::string(reason != nullptr ? reason : place.c_str());
  }
  if (library == nullptr)
    return environment_error("SQL needs DuckDB, which cannot be loaded: " + tried,
                             "make installs it; tapemill doctor looks for it");
  DuckDb functions;
#define F(function)                                                                                           \
  functions.function = reinterpret_cast<decltype(functions.function)>(::dlsym(library, "duckdb_" #function)); \
  if (functions.function == nullptr)                                                                          \
    return environment_error("the DuckDB that was found lacks duckdb_" #function, "make installs the right version");
  TAPEMILL_DUCKDB_FUNCTIONS(F)
#undef F
  return functions;
}

}  // namespace

Result<const DuckDb*> duckdb() {
  static const Result<DuckDb> library = load();
  if (!library.ok()) return library.status();
  return &*library;
}

}  // namespace tapemill::lake
