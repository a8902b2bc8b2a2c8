#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/http.h"

namespace tapemill {

/// Where an object store is and who asks. Never printed.
struct S3Settings {
  std::string endpoint;  // "https://files.polygon.io"; empty: Amazon's of the region
  std::string region = "us-east-1";
  std::string key, secret, token;  // empty key: requests go unsigned
  Retry retry;
  int connect_timeout_s = 10, read_timeout_s = 60;
  /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION or
  /// AWS_DEFAULT_REGION, TAPEMILL_S3_RETRIES, TAPEMILL_S3_TIMEOUT (seconds), each over what `defaults` say.
  static S3Settings from_environment(const S3Settings& defaults);
};

/// "s3://bucket/some/key" in its two pieces; the key without slashes at either end.
struct S3Place {
  std::string bucket, key;
  static bool is(std::string_view path) { return path.starts_with("s3://"); }
  static Result<S3Place> parse(std::string_view path);  // usage error: no bucket
  std::string str() const { return "s3://" + bucket + (key.empty() ? "" : "/" + key); }
};

struct S3Object {
  std::string key, etag;  // etag without quotes
  std::int64_t size = 0, modified_us = 0;  // modified_us: 0 where only a listing says it
  bool folder = false;                     // of a listing by folders: a common prefix, without its slash
};

/// The few requests of S3 that a lake needs: path-style addresses, each retried as Retry says. Thread-safe. Errors are
/// environment errors: refused (403), no such bucket, or what was still wrong after the last try.
class S3 {
 public:
  explicit S3(S3Settings settings);

  Result<std::optional<S3Object>> head(const S3Place& place) const;
  /// nullopt: no such object.
  Result<std::optional<std::string>> get(const S3Place& place) const;
  /// Bytes [offset, offset + size), fewer at the object's end.
  Result<std::string> get_range(const S3Place& place, std::int64_t offset, std::int64_t size) const;
  /// Writes the object into `fd` from `offset` on, where the bytes before are those of the object `etag` (empty: from its
  /// start). A broken connection is taken up where it broke. The object as it was read; nullopt: none. When it is another
  /// object by now, the file is written anew from its start.
  Result<std::optional<S3Object>> download(const S3Place& place, int fd, std::int64_t offset = 0,
                                           std::string etag = {}) const;
  struct Body {
    std::string_view bytes;
    int fd = -1;
    std::int64_t size = 0;  // of the file
  };
  Status put(const S3Place& place, const Body& body) const;
  /// False, and nothing changed, where there is an object already: of any number of writers exactly one gets true, also
  /// when its answer was lost and the request repeated.
  Result<bool> put_if_absent(const S3Place& place, const Body& body) const;
  Status remove(const S3Place& place) const;  // OK where there is none
  /// Objects whose keys begin with place.key, by key; `by_folders`: up to the next '/', deeper ones as folders.
  /// `most`: stops after so many.
  Result<std::vector<S3Object>> list(const S3Place& place, bool by_folders, std::size_t most = SIZE_MAX) const;

  const S3Settings& settings() const { return settings_; }
  /// The status and S3's own code and message of an answer that is an error, as a Status.
  Status problem(const S3Place& place, const HttpResponse& answer) const;
  /// One signed request, once() not repeated, ask() as Retry says. For those who judge the answers themselves.
  Result<HttpResponse> once(HttpRequest request, const S3Place& place, const std::string& query = {}) const;
  Result<HttpResponse> ask(const HttpRequest& request, const S3Place& place, const std::string& query = {}) const;

 private:
  S3Settings settings_;
  HttpSigner signer_;
};

}  // namespace tapemill
