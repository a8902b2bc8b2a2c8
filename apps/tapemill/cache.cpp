#include "command.h"
#include "core/json.h"
#include "lake/query_cache.h"
#include "print.h"

namespace tapemill::app {
namespace {

Status stats(const NoOptions&, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  const lake::CacheStats found = lake::QueryCache::of(lake)->stats();
  if (context.json) {
    print(Json{{"folder", lake::QueryCache::folder_of(lake)},
               {"memory_hits", found.memory_hits},
               {"disk_hits", found.disk_hits},
               {"misses", found.misses},
               {"hit_rate", found.hit_rate()},
               {"stores", found.stores},
               {"evictions", found.evictions},
               {"entries", found.disk_entries},
               {"bytes", found.disk_bytes}});
    return Status::OK();
  }
  TextTable text(
      {"hits in memory>", "hits on disk>", "misses>", "hit rate>", "stored>", "evicted>", "entries>", "size>"});
  text.add({thousands(found.memory_hits), thousands(found.disk_hits), thousands(found.misses),
            fmt::format("{:.1f} %", found.hit_rate() * 100), thousands(found.stores), thousands(found.evictions),
            thousands(found.disk_entries), format_bytes(found.disk_bytes)});
  print(text.str(terminal_width()));
  return Status::OK();
}

Status clear(const NoOptions&, Context& context) {
  ARROW_ASSIGN_OR_RAISE(lake::Lake lake, context.lake());
  auto cache = lake::QueryCache::of(lake);
  const lake::CacheStats before = cache->stats();
  ARROW_RETURN_NOT_OK(cache->clear());
  if (context.json) print(Json{{"entries", before.disk_entries}, {"bytes", before.disk_bytes}});
  else
    print(fmt::format("{} answers forgotten, {}\n", thousands(before.disk_entries), format_bytes(before.disk_bytes)));
  return Status::OK();
}

}  // namespace

Command cache_stats_command() {
  return command<NoOptions>("cache stats", "How often kept answers were of use", {},
                            "  tapemill cache stats\n  tapemill cache stats --json", stats);
}
Command cache_clear_command() {
  return command<NoOptions>("cache clear", "Forget the kept answers", {}, "  tapemill cache clear", clear);
}

}  // namespace tapemill::app
