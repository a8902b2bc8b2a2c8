#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/s3.h"
#include "core/time.h"

namespace tapemill::sources {

/// What became of one key.
struct Fetched {
  enum class Outcome {
    ok,         // `path` holds it
    unchanged,  // fetched before, the same object still; `path` is empty where its file has been forgotten since
    missing,    // 404: no such object (a holiday, or not yet published)
    forbidden,  // 403: outside what the key may read
    failed      // `why`: still no answer, or throttled, after the last try; the disk
  };
  std::string key;
  Outcome outcome = Outcome::failed;
  std::string path, why;
  std::int64_t bytes = 0;  // that came now
  std::optional<Date> session;  // that it is of, where its name does not begin with it
};
const char* name(Fetched::Outcome outcome);

struct FetchOptions {
  S3Settings store;
  std::string bucket, folder;  // files lie at folder/KEY
  int connections = 8;
};

/// Downloads objects side by side. One failure does not cancel the others. A file that was cut off goes on where it stopped
/// (now or in a later run), unless the object is another by now; one that is there already is asked for by its ETag alone.
/// In the order of `keys`. Errors: interrupted.
Result<std::vector<Fetched>> fetch(const FetchOptions& options, const std::vector<std::string>& keys);

/// Keys below a prefix that end with `ending`, sorted. Errors: environment.
Result<std::vector<std::string>> keys_below(const FetchOptions& options, const std::string& prefix,
                                            const std::string& ending);

/// Deletes the file of a key and goes on knowing that it was fetched: it is elsewhere.
Status forget(const FetchOptions& options, const std::string& key);

}  // namespace tapemill::sources
