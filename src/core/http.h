#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace tapemill {

/// How S3 and its kin sign a request (AWS Signature Version 4). No key: it goes unsigned.
struct HttpSigner {
  std::string region, key, secret, token;
};

struct HttpRequest {
  std::string method = "GET", url;     // url: percent-encoded; of a signed one the query's names sorted
  std::vector<std::string> headers;    // "Name: value"
  std::string_view body;               // of a PUT or POST
  int body_fd = -1;                    // or from this file, [0, body_size)
  std::int64_t body_size = 0;
  const HttpSigner* signer = nullptr;
  std::string cookies;                 // "a=1; b=2"
  int connect_timeout_s = 10, stall_timeout_s = 60;  // stall: no byte either way for so long
  /// Takes the body of a 2xx answer piece by piece, instead of HttpResponse::body. `first` comes with the first piece.
  std::function<Status(std::string_view piece)> sink;
  /// Called once before the first byte of a body goes to `sink`; an error ends the request.
  std::function<Status(int status, const std::map<std::string, std::string>& headers)> begin;
};

struct HttpResponse {
  int status = 0;  // 0: no whole answer; `failure` says why
  std::string failure;
  std::map<std::string, std::string> headers;  // names in lower case; of equal names the last
  std::vector<std::string> set_cookies;  // "name=value" of each Set-Cookie
  std::string body;
  std::string header(const std::string& name) const;  // empty where there is none
  /// Worth another try: no answer, 408, 425, 429, 500, 502, 503, 504.
  bool passing() const;
};

/// One request, by libcurl (loaded on first use), over a connection that is kept open for the next. An answer of any status is
/// OK, and so is none (status 0). Errors: Cancelled when the user interrupts, environment error without libcurl, and what
/// sink or begin returned. Redirects are not followed. Thread-safe; a forked child opens connections of its own.
Result<HttpResponse> http(const HttpRequest& request);

/// When to try again: attempt n waits between half and all of min(cap, delay * 2^n), or what the server's Retry-After says.
struct Retry {
  int tries = 5;  // after the first
  double delay_s = 0.25, cap_s = 20;
};
/// Runs `once` until its answer is no longer passing() or the tries are spent; the last answer is returned.
Result<HttpResponse> retried(const Retry& retry, const std::function<Result<HttpResponse>()>& once);
/// Waits before try number `attempt` (0: the first repetition). Cancelled when interrupted.
Status wait_before(const Retry& retry, int attempt, const HttpResponse& answer);

/// Unreserved characters stay (RFC 3986), and '/' where `slashes`.
std::string percent_encode(std::string_view text, bool slashes);
std::string percent_decode(std::string_view text);  // broken escapes stay as they are

}  // namespace tapemill
