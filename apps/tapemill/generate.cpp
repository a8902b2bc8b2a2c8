#include "pipeline/generate.h"

#include <filesystem>

#include "command.h"
#include "core/json.h"
#include "print.h"

namespace tapemill::app {
namespace {

Status run(const pipeline::GenerateOptions& options, Context& context) {
  ARROW_ASSIGN_OR_RAISE(auto plan, pipeline::plan_generate(options));
  if (!plan.unchanged && !context.json && !context.quiet) {
    print(fmt::format("Writing an exchange to {}: about {} rows, {}\n", std::filesystem::absolute(options.out).string(),
                      thousands(plan.rows), format_bytes(plan.bytes)));
    std::fflush(stdout);
  }
  ARROW_ASSIGN_OR_RAISE(auto report, pipeline::generate(options, context.workers));
  if (context.json) {
    print(Json{{"folder", options.out},
               {"files", report.files},
               {"rows", report.rows},
               {"bytes", report.bytes},
               {"defects", report.defects},
               {"manifest_sha256", report.manifest_sha256},
               {"unchanged", report.unchanged}});
    return Status::OK();
  }
  print(fmt::format("{}: {}, {}, {} · {} planted, listed in {}/defects.json{}\n", options.out,
                    counted(report.files, "file"), counted(report.rows, "row"), format_bytes(report.bytes),
                    counted(report.defects, "defect"), options.out, report.unchanged ? " · up to date" : ""));
  return Status::OK();
}

}  // namespace

Command generate_command() {
  return command<pipeline::GenerateOptions>(
      "generate", "Make an exchange's files: seeded, byte for byte the same, with declared defects", {"?out"},
      "  tapemill generate\n  tapemill generate exchange --seed 7 --symbols 50", run);
}

}  // namespace tapemill::app
