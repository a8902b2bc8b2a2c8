#include "core/s3.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

#include "core/hash.h"
#include "core/text.h"
#include "core/time.h"

namespace tapemill {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string unquoted(std::string text) {
  if (text.starts_with("W/")) text.erase(0, 2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

// What stands between <name> and </name>, from `at` on; nullopt where there is none. S3's answers nest no equal names.
std::optional<std::string_view> element(std::string_view xml, std::string_view name, std::size_t& at) {
  const std::string open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
  const auto begin = xml.find(open, at);
  if (begin == xml.npos) return std::nullopt;
  const auto end = xml.find(close, begin + open.size());
  if (end == xml.npos) return std::nullopt;
  at = end + close.size();
  return xml.substr(begin + open.size(), end - begin - open.size());
}

std::string text_of(std::string_view xml, std::string_view name) {
  std::size_t at = 0;
  auto found = element(xml, name, at);
  if (!found) return {};
  std::string out;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string_view rest = found->substr(i);
    bool entity = false;
    for (const auto& [code, plain] : {std::pair{"&amp;", '&'},
                                      {"&lt;", '<'},
                                      {"&gt;", '>'},
                                      {"&quot;", '"'},
                                      {"&#34;", '"'},
                                      {"&#39;", '\''},
                                      {"&apos;", '\''}}) {
      if (!rest.starts_with(code)) continue;
      out += plain;
      i += std::string_view(code).size() - 1;
      entity = true;
      break;
    }
    if (!entity) out += rest[0];
  }
  return out;
}

Result<std::string> hash_of(const S3::Body& body) {
  if (body.fd < 0) return sha256(body.bytes);
  Sha256 hash;
  std::string block(1 << 20, '\0');
  for (std::int64_t at = 0; at < body.size;) {
    const ssize_t n = ::pread(body.fd, block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error("cannot read what is to be uploaded", n < 0 ? errno : EIO);
    hash.add({block.data(), static_cast<std::size_t>(n)});
    at += n;
  }
  return hash.hex();
}

HttpRequest put_request(const S3::Body& body, const std::string& hash) {
  HttpRequest request;
  request.method = "PUT";
  request.body = body.bytes;
  request.body_fd = body.fd;
  request.body_size = body.size;
  request.headers = {"x-amz-content-sha256: " + hash};
  return request;
}

// Tells this process's requests from any other's, wherever it runs.
std::string writer_token() {
  static std::atomic<std::int64_t> count{0};
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return sha256(fmt::format("{} {} {} {}", host, ::getpid(), count++,
                            std::chrono::system_clock::now().time_since_epoch().count()))
      .substr(0, 32);
}
constexpr const char* kWriterHeader = "x-amz-meta-tapemill-writer";

}  // namespace

S3Settings S3Settings::from_environment(const S3Settings& defaults) {
  S3Settings out = defaults;
  if (const char* key = environment("AWS_ACCESS_KEY_ID")) {  // key and secret come from one place
    out.key = key;
    const char* secret = environment("AWS_SECRET_ACCESS_KEY");
    out.secret = secret != nullptr ? secret : "";
    const char* token = environment("AWS_SESSION_TOKEN");
    out.token = token != nullptr ? token : "";
  }
  for (const char* name : {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"})
    if (const char* value = environment(name)) out.endpoint = value;
  for (const char* name : {"AWS_DEFAULT_REGION", "AWS_REGION"})
    if (const char* value = environment(name)) out.region = value;
  if (const char* value = environment("TAPEMILL_S3_RETRIES"))
    out.retry.tries = static_cast<int>(leading_integer(value, out.retry.tries));
  if (const char* value = environment("TAPEMILL_S3_TIMEOUT")) {
    out.read_timeout_s = std::max(1, static_cast<int>(leading_integer(value, out.read_timeout_s)));
    out.connect_timeout_s = std::min(out.connect_timeout_s, out.read_timeout_s);
  }
  return out;
}

Result<S3Place> S3Place::parse(std::string_view path) {
  S3Place out;
  std::string_view rest = is(path) ? path.substr(5) : path;
  const auto slash = rest.find('/');
  out.bucket = rest.substr(0, slash);
  if (slash != rest.npos) out.key = rest.substr(slash + 1);
  while (!out.key.empty() && out.key.back() == '/') out.key.pop_back();
  while (!out.key.empty() && out.key.front() == '/') out.key.erase(0, 1);
  if (out.bucket.empty())
    return usage_error(fmt::format("\"{}\" names no bucket", path), "an object is s3://BUCKET/KEY");
  return out;
}

S3::S3(S3Settings settings) : settings_(std::move(settings)) {
  while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
  if (settings_.endpoint.empty()) settings_.endpoint = fmt::format("https://s3.{}.amazonaws.com", settings_.region);
  if (settings_.endpoint.find("://") == std::string::npos) settings_.endpoint = "https://" + settings_.endpoint;
  signer_ = {settings_.region, settings_.key, settings_.secret, settings_.token};
}

Result<HttpResponse> S3::once(HttpRequest request, const S3Place& place, const std::string& query) const {
  request.url = settings_.endpoint + "/" + percent_encode(place.bucket, false);
  if (!place.key.empty()) request.url += "/" + percent_encode(place.key, true);
  if (!query.empty()) request.url += "?" + query;
  request.signer = &signer_;
  request.connect_timeout_s = settings_.connect_timeout_s;
  request.stall_timeout_s = settings_.read_timeout_s;
  if (request.method != "PUT") request.headers.push_back("x-amz-content-sha256: " + sha256(""));
  return http(request);
}

Result<HttpResponse> S3::ask(const HttpRequest& request, const S3Place& place, const std::string& query) const {
  return retried(settings_.retry, [&] { return once(request, place, query); });
}

Status S3::problem(const S3Place& place, const HttpResponse& answer) const {
  const std::string code = text_of(answer.body, "Code"), message = text_of(answer.body, "Message");
  std::string what = place.str() + ": ";
  if (answer.status == 0) {
    return environment_error(
        what + settings_.endpoint + " does not answer: " + answer.failure,
        "see that the endpoint is right ($AWS_ENDPOINT_URL) and can be reached; then run it again");
  }
  what += fmt::format("{} says {}{}", settings_.endpoint, answer.status, code.empty() ? "" : " " + code);
  if (!message.empty()) what += " (" + message + ")";
  std::string hint;
  if (answer.status == 403 || answer.status == 401)
    hint = settings_.key.empty()
               ? "no key is set: give $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY"
               : "see that $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY and $AWS_REGION are right, and what "
                 "that key may do";
  else if (answer.status == 404)
    hint = "see that the bucket is there and the endpoint ($AWS_ENDPOINT_URL) is the right one";
  else if (answer.passing())
    hint = fmt::format("it was asked {} times: run it again when the store is well", settings_.retry.tries + 1);
  else if (answer.status == 301 || answer.status == 400) hint = "see that $AWS_REGION is the bucket's region";
  return environment_error(std::move(what), std::move(hint));
}

Result<std::optional<S3Object>> S3::head(const S3Place& place) const {
  HttpRequest request;
  request.method = "HEAD";
  ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(request, place));
  if (answer.status == 404) return std::nullopt;
  if (answer.status != 200) return problem(place, answer);
  S3Object object;
  object.key = place.key;
  object.etag = unquoted(answer.header("etag"));
  object.size = leading_integer(answer.header("content-length"));
  return object;
}

Result<std::optional<std::string>> S3::get(const S3Place& place) const {
  ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask({}, place));
  if (answer.status == 404) {
    if (text_of(answer.body, "Code") == "NoSuchBucket") return problem(place, answer);
    return std::nullopt;
  }
  if (answer.status != 200) return problem(place, answer);
  return std::move(answer.body);
}

Result<std::string> S3::get_range(const S3Place& place, std::int64_t offset, std::int64_t size) const {
  if (size <= 0) return std::string();
  HttpRequest request;
  request.headers = {fmt::format("Range: bytes={}-{}", offset, offset + size - 1)};
  ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(request, place));
  if (answer.status == 416) return std::string();  // begins behind the end
  if (answer.status == 200) return answer.body.substr(std::min<std::size_t>(answer.body.size(), offset), size);
  if (answer.status != 206) return problem(place, answer);
  return std::move(answer.body);
}

Result<std::optional<S3Object>> S3::download(const S3Place& place, int fd, std::int64_t offset,
                                             std::string etag) const {
  S3Object object;
  object.key = place.key;
  std::int64_t at = etag.empty() ? 0 : offset;
  for (int attempt = 0;; ++attempt) {
    HttpRequest request;
    if (at > 0) request.headers = {fmt::format("Range: bytes={}-", at), fmt::format("If-Match: \"{}\"", etag)};
    std::int64_t start = at, got = 0;
    request.begin = [&](int status, const std::map<std::string, std::string>& headers) -> Status {
      auto tag = headers.find("etag");
      etag = tag == headers.end() ? std::string() : unquoted(tag->second);
      if (status != 206) start = 0;
      at = start;
      return ::ftruncate(fd, start) == 0 ? Status::OK() : errno_error("cannot write the download", errno);
    };
    request.sink = [&](std::string_view piece) -> Status {
      while (!piece.empty()) {
        const ssize_t n = ::pwrite(fd, piece.data(), piece.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("cannot write the download", errno);
        piece.remove_prefix(static_cast<std::size_t>(n));
        at += n, got += n;
      }
      return Status::OK();
    };
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, once(request, place));
    if (answer.status == 200 || answer.status == 206) {
      object.etag = etag;
      object.size = at;
      return object;
    }
    if (answer.status == 404 && text_of(answer.body, "Code") != "NoSuchBucket") return std::nullopt;
    if (answer.status == 412 || answer.status == 416) {  // another object by now, or nothing behind what is here
      at = 0, etag.clear();
      if (attempt >= settings_.retry.tries) return problem(place, answer);
      continue;
    }
    if (got > 0) attempt = -1;  // it moves on: the tries are for standing still
    else if (!answer.passing() || attempt >= settings_.retry.tries) return problem(place, answer);
    if (etag.empty()) at = 0;
    ARROW_RETURN_NOT_OK(wait_before(settings_.retry, std::max(attempt, 0), answer));
  }
}

Status S3::put(const S3Place& place, const Body& body) const {
  ARROW_ASSIGN_OR_RAISE(const std::string hash, hash_of(body));
  ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(put_request(body, hash), place));
  return answer.status == 200 ? Status::OK() : problem(place, answer);
}

Result<bool> S3::put_if_absent(const S3Place& place, const Body& body) const {
  ARROW_ASSIGN_OR_RAISE(const std::string hash, hash_of(body));
  const std::string token = writer_token();
  HttpRequest request = put_request(body, hash);
  request.headers.push_back("If-None-Match: *");
  request.headers.push_back(std::string(kWriterHeader) + ": " + token);
  bool unsure = false;  // an earlier try may have got in without our knowing
  for (int attempt = 0;; ++attempt) {
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, once(request, place));
    if (answer.status == 200) return true;
    if (answer.status == 412) {
      if (!unsure) return false;
      HttpRequest ask_whose;
      ask_whose.method = "HEAD";
      ARROW_ASSIGN_OR_RAISE(HttpResponse there, ask(ask_whose, place));
      if (there.status != 200) return problem(place, there);
      return there.header(kWriterHeader) == token;
    }
    const bool busy = answer.status == 409;  // another conditional request for it is on its way
    if ((!answer.passing() && !busy) || attempt >= settings_.retry.tries) return problem(place, answer);
    unsure = unsure || !busy;
    ARROW_RETURN_NOT_OK(wait_before(settings_.retry, attempt, answer));
  }
}

Status S3::remove(const S3Place& place) const {
  HttpRequest request;
  request.method = "DELETE";
  ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(request, place));
  return answer.status / 100 == 2 || answer.status == 404 ? Status::OK() : problem(place, answer);
}

Result<std::vector<S3Object>> S3::list(const S3Place& place, bool by_folders, std::size_t most) const {
  std::vector<S3Object> out;
  std::string token;
  do {  // names sorted, as the signature wants them
    std::string query = token.empty() ? "" : "continuation-token=" + percent_encode(token, false) + "&";
    if (by_folders) query += "delimiter=%2F&";
    query += "encoding-type=url&list-type=2";
    if (most < 1000) query += fmt::format("&max-keys={}", most);
    if (!place.key.empty()) query += "&prefix=" + percent_encode(place.key, false);
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask({}, {place.bucket, {}}, query));
    if (answer.status != 200) return problem(place, answer);
    const std::string_view xml = answer.body;
    const bool encoded = text_of(xml, "EncodingType") == "url";
    auto name = [&](std::string_view piece, const char* what) {
      const std::string text = text_of(piece, what);
      return encoded ? percent_decode(text) : text;
    };
    std::size_t at = 0;
    while (auto one = element(xml, "Contents", at)) {
      S3Object object;
      object.key = name(*one, "Key");
      object.etag = unquoted(text_of(*one, "ETag"));
      object.size = leading_integer(text_of(*one, "Size"));
      if (auto time = Instant::parse(text_of(*one, "LastModified")); time.ok()) object.modified_us = time->us;
      out.push_back(std::move(object));
    }
    at = 0;
    while (auto one = element(xml, "CommonPrefixes", at)) {
      S3Object object;
      object.key = name(*one, "Prefix");
      object.folder = true;
      if (object.key.ends_with('/')) object.key.pop_back();
      out.push_back(std::move(object));
    }
    token = text_of(xml, "IsTruncated") == "true" ? text_of(xml, "NextContinuationToken") : std::string();
  } while (!token.empty() && out.size() < most);
  std::sort(out.begin(), out.end(), [](const S3Object& a, const S3Object& b) { return a.key < b.key; });
  return out;
}

}  // namespace tapemill
