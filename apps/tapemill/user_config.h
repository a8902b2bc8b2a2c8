#pragma once
#include "core/config.h"
#include "core/s3.h"

namespace tapemill::app {

/// What a user sets once: $TAPEMILL_CONFIG, else $XDG_CONFIG_HOME/tapemill/config.yaml, else ~/.config/tapemill/config.yaml.
/// The environment ($TAPEMILL_LAKE) and the command line stand above it.
struct UserConfig {
  std::string lake = "lake";
  ByteSize memory;
  int threads = 0;
  bool utc = false;
  std::string s3_endpoint, s3_region = "us-east-1", s3_cache;
  ByteSize s3_cache_size{10LL << 30};
  std::string polygon_endpoint = "https://files.polygon.io", polygon_bucket = "flatfiles";
  int max_retries = 5;
  double retry_delay_seconds = 0.5;
};
std::string config_path();
/// The defaults where there is no file; an error names its line.
Result<UserConfig> read_user_config();
/// The keys that the file sets; none where it is missing or broken.
std::vector<std::string> keys_set_by_user();

/// Keys of object stores: credentials.yaml beside config.yaml, which nobody else may read (mode 600).
struct Credentials {
  std::string key, secret;        // Polygon's flat files
  std::string s3_key, s3_secret;  // the lake's, where the environment (AWS_ACCESS_KEY_ID ...) gives none
};
/// Empty where there is no file; an environment error where others may read it.
Result<Credentials> read_credentials();
/// Lets a lake in s3:// find its store. Before the first use of one.
Status configure_s3(const UserConfig& config);
/// Where Polygon's flat files are asked for: config.yaml and credentials.yaml; without a key there, AWS_ACCESS_KEY_ID.
Result<S3Settings> polygon_settings(const UserConfig& config);

}  // namespace tapemill::app
namespace tapemill {
template <>
inline constexpr auto fields<app::UserConfig> = std::tuple{
    field("lake", &app::UserConfig::lake, "the lake's folder, or s3://BUCKET/PREFIX"),
    field("memory", &app::UserConfig::memory, "ceiling of every command, such as 4GB"),
    field("threads", &app::UserConfig::threads, "threads to work with (0: every core)", 0, 1024),
    field("utc", &app::UserConfig::utc, "times in UTC instead of the exchange's zone"),
    field("s3_endpoint", &app::UserConfig::s3_endpoint, "object store of s3:// lakes (empty: Amazon's)"),
    field("s3_region", &app::UserConfig::s3_region, "its region"),
    field("s3_cache", &app::UserConfig::s3_cache, "folder for copies of its parts (empty: ~/.cache/tapemill)"),
    field("s3_cache_size", &app::UserConfig::s3_cache_size, "how much of them is kept"),
    field("polygon_endpoint", &app::UserConfig::polygon_endpoint, "where Polygon's flat files are"),
    field("polygon_bucket", &app::UserConfig::polygon_bucket, "their bucket"),
    field("max_retries", &app::UserConfig::max_retries, "repetitions of a request that failed", 0, 100),
    field("retry_delay_seconds", &app::UserConfig::retry_delay_seconds,
          "wait before the first of them; each further one waits twice as long, 20 s at most", 0, 600)};
template <>
inline constexpr auto fields<app::Credentials> =
    std::tuple{field("key", &app::Credentials::key, "access key of Polygon's flat files"),
               field("secret", &app::Credentials::secret, "its secret"),
               field("s3_key", &app::Credentials::s3_key, "access key of the lake's store"),
               field("s3_secret", &app::Credentials::s3_secret, "its secret")};
}  // namespace tapemill
