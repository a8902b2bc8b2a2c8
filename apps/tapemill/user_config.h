#pragma once
#include "core/config.h"

namespace tapemill::app {

/// What a user sets once: $TAPEMILL_CONFIG, else $XDG_CONFIG_HOME/tapemill/config.yaml, else ~/.config/tapemill/config.yaml.
/// The environment ($TAPEMILL_LAKE) and the command line stand above it.
struct UserConfig {
  std::string lake = "lake";
  ByteSize memory;
  int threads = 0;
  bool utc = false;
};
std::string config_path();
/// The defaults where there is no file; an error names its line.
Result<UserConfig> read_user_config();
/// The keys that the file sets; none where it is missing or broken.
std::vector<std::string> keys_set_by_user();

}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::UserConfig> =
    std::tuple{field("lake", &app::UserConfig::lake, "the lake's folder"),
               field("memory", &app::UserConfig::memory, "ceiling of every command, such as 4GB"),
               field("threads", &app::UserConfig::threads, "threads to work with (0: every core)", 0, 1024),
               field("utc", &app::UserConfig::utc, "times in UTC instead of the exchange's zone")};
}  // namespace tapemill
