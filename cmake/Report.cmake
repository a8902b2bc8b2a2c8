# The HTML report's page: bundled by web/report/build.sh (node, npm), then embedded into exports byte by byte.
set(report_page ${CMAKE_BINARY_DIR}/report/report_template.html)
file(GLOB_RECURSE report_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/report/src/*)
add_custom_command(OUTPUT ${report_page}
  COMMAND ${CMAKE_SOURCE_DIR}/web/report/build.sh ${CMAKE_BINARY_DIR}/report ${TAPEMILL_DEPS}/report-npm
  DEPENDS ${report_sources} ${CMAKE_SOURCE_DIR}/web/report/build.sh ${CMAKE_SOURCE_DIR}/web/report/build.mjs
          ${CMAKE_SOURCE_DIR}/web/report/package-lock.json
  COMMENT "Bundling the HTML report" VERBATIM)

set(TAPEMILL_REPORT_TEMPLATE ${CMAKE_BINARY_DIR}/generated/report_template.cpp)
file(CONFIGURE OUTPUT ${TAPEMILL_REPORT_TEMPLATE} @ONLY CONTENT [=[
#include "exports/report_template.h"

__asm__(
    ".pushsection .rodata\n"
    ".globl tapemill_report_begin, tapemill_report_end\n"
    ".hidden tapemill_report_begin, tapemill_report_end\n"
    "tapemill_report_begin: .incbin \"@report_page@\"\n"
    "tapemill_report_end: .byte 0\n"
    ".popsection\n");
extern "C" const char tapemill_report_begin[], tapemill_report_end[];

namespace tapemill::exports {

std::string_view report_template() {
  return {tapemill_report_begin, static_cast<std::size_t>(tapemill_report_end - tapemill_report_begin)};
}

}  // namespace tapemill::exports
]=])
set_source_files_properties(${TAPEMILL_REPORT_TEMPLATE} PROPERTIES
  OBJECT_DEPENDS ${report_page} SKIP_PRECOMPILE_HEADERS ON)
