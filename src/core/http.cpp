#include "core/http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>

#include "core/text.h"
#include "core/workers.h"

namespace tapemill {
namespace {

// The library takes some 30 others with it, which would cost every command 10 ms: so it is loaded when something is fetched.
struct Curl {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) init = nullptr;
  decltype(&::curl_easy_setopt) set = nullptr;
  decltype(&::curl_easy_perform) perform = nullptr;
  decltype(&::curl_easy_getinfo) info = nullptr;
  decltype(&::curl_easy_reset) reset = nullptr;
  decltype(&::curl_easy_cleanup) cleanup = nullptr;
  decltype(&::curl_easy_strerror) text = nullptr;
  decltype(&::curl_slist_append) append = nullptr;
  decltype(&::curl_slist_free_all) free_all = nullptr;
};

Result<Curl> load() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
    if (library == nullptr) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return environment_error(fmt::format("libcurl cannot be loaded: {}", ::dlerror()),
                             "install it (Debian: libcurl4); S3 and downloads need it");
  Curl curl;
  bool whole = true;
  auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    whole = whole && function != nullptr;
  };
  find(curl.global_init, "curl_global_init");
  find(curl.init, "curl_easy_init");
  find(curl.set, "curl_easy_setopt");
  find(curl.perform, "curl_easy_perform");
  find(curl.info, "curl_easy_getinfo");
  find(curl.reset, "curl_easy_reset");
  find(curl.cleanup, "curl_easy_cleanup");
  find(curl.text, "curl_easy_strerror");
  find(curl.append, "curl_slist_append");
  find(curl.free_all, "curl_slist_free_all");
  if (!whole || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return environment_error("the libcurl that was found does not work", "install Debian's libcurl4, 7.75 or newer");
  return curl;
}

Result<const Curl*> curl() {
  static const Result<Curl> library = load();
  if (!library.ok()) return library.status();
  return &*library;
}

// Handles with their open connections. Those of a parent process are left alone: their sockets are the parent's.
class Handles {
 public:
  CURL* take(const Curl& curl) {
    std::lock_guard lock(mutex_);
    if (pid_ != ::getpid()) idle_.clear(), pid_ = ::getpid();
    if (idle_.empty()) return curl.init();
    CURL* one = idle_.back();
    idle_.pop_back();
    return one;
  }
  void give(const Curl& curl, CURL* one) {
    curl.reset(one);
    std::lock_guard lock(mutex_);
    if (idle_.size() < 64 && pid_ == ::getpid()) idle_.push_back(one);
    else curl.cleanup(one);
  }

 private:
  std::mutex mutex_;
  std::vector<CURL*> idle_;
  pid_t pid_ = 0;
};
Handles& handles() {
  static auto* all = new Handles;  // never destroyed: threads may still hold handles when the process ends
  return *all;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

struct Exchange {
  const HttpRequest& request;
  HttpResponse& response;
  Status problem;  // of sink or begin
  bool begun = false;
  std::int64_t sent = 0;
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // a 100 Continue has a block of its own
    exchange.response.headers.clear();
    const auto blank = line.find(' ');
    exchange.response.status = blank == line.npos ? 0 : static_cast<int>(leading_integer(line.substr(blank + 1, 3)));
    return size;
  }
  const auto colon = line.find(':');
  if (colon == line.npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  const std::string name = lower(line.substr(0, colon));
  if (name == "set-cookie") exchange.response.set_cookies.emplace_back(value.substr(0, value.find(';')));
  exchange.response.headers[name] = value;
  return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const bool good = exchange.response.status >= 200 && exchange.response.status < 300;
  if (!good || !exchange.request.sink) {
    exchange.response.body.append(data, size);
    return size;
  }
  if (!std::exchange(exchange.begun, true) && exchange.request.begin)
    exchange.problem = exchange.request.begin(exchange.response.status, exchange.response.headers);
  if (exchange.problem.ok()) exchange.problem = exchange.request.sink({data, size});
  return exchange.problem.ok() ? size : 0;
}

std::size_t on_upload(char* out, std::size_t, std::size_t room, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const HttpRequest& request = exchange.request;
  if (request.body_fd < 0) {
    const std::string_view left = request.body.substr(static_cast<std::size_t>(exchange.sent));
    const std::size_t n = std::min(room, left.size());
    std::copy_n(left.data(), n, out);
    exchange.sent += static_cast<std::int64_t>(n);
    return n;
  }
  const auto left = static_cast<std::size_t>(request.body_size - exchange.sent);
  const ssize_t n = ::pread(request.body_fd, out, std::min(room, left), exchange.sent);
  if (n < 0) return CURL_READFUNC_ABORT;
  exchange.sent += n;
  return static_cast<std::size_t>(n);
}

int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return interrupt().stop_requested() ? 1 : 0; }

int on_seek(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Exchange*>(user)->sent = offset;
  return CURL_SEEKFUNC_OK;
}

struct Lists {  // freed at the end of a scope
  const Curl& curl;
  curl_slist* list = nullptr;
  ~Lists() { curl.free_all(list); }
  void add(const std::string& line) { list = curl.append(list, line.c_str()); }
};

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  auto it = headers.find(name);
  return it == headers.end() ? std::string() : it->second;
}

bool HttpResponse::passing() const {
  switch (status) {
    case 0:
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return true;
    default: return false;
  }
}

Result<HttpResponse> http(const HttpRequest& request) {
  ARROW_ASSIGN_OR_RAISE(const Curl* library, curl());
  const Curl& curl = *library;
  CURL* handle = handles().take(curl);
  if (handle == nullptr) return Status::OutOfMemory("no memory for a connection");
  HttpResponse response;
  Exchange exchange{request, response, {}};
  Lists headers{curl};
  for (const std::string& line : request.headers) headers.add(line);
  const bool uploads = request.method == "PUT" || request.method == "POST";
  const curl_off_t size = request.body_fd < 0 ? static_cast<curl_off_t>(request.body.size()) : request.body_size;
  headers.add("Expect:");  // no pause before the body

  curl.set(handle, CURLOPT_URL, request.url.c_str());
  curl.set(handle, CURLOPT_PATH_AS_IS, 1L);
  curl.set(handle, CURLOPT_NOSIGNAL, 1L);
  curl.set(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_timeout_s));
  curl.set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.set(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout_s));
  curl.set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl.set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.set(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl.set(handle, CURLOPT_HEADERDATA, &exchange);
  curl.set(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl.set(handle, CURLOPT_WRITEDATA, &exchange);
  curl.set(handle, CURLOPT_NOPROGRESS, 0L);
  curl.set(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl.set(handle, CURLOPT_USERAGENT, "tapemill");
  if (!request.cookies.empty()) curl.set(handle, CURLOPT_COOKIE, request.cookies.c_str());
  if (request.method == "HEAD") curl.set(handle, CURLOPT_NOBODY, 1L);
  if (uploads) {
    curl.set(handle, CURLOPT_UPLOAD, 1L);
    curl.set(handle, CURLOPT_INFILESIZE_LARGE, size);
    curl.set(handle, CURLOPT_READFUNCTION, on_upload);
    curl.set(handle, CURLOPT_READDATA, &exchange);
    curl.set(handle, CURLOPT_SEEKFUNCTION, on_seek);
    curl.set(handle, CURLOPT_SEEKDATA, &exchange);
  }
  if (request.method != "HEAD") curl.set(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  std::string signing;
  if (request.signer != nullptr && !request.signer->key.empty()) {
    signing = "aws:amz:" + request.signer->region + ":s3";
    curl.set(handle, CURLOPT_AWS_SIGV4, signing.c_str());
    curl.set(handle, CURLOPT_USERNAME, request.signer->key.c_str());
    curl.set(handle, CURLOPT_PASSWORD, request.signer->secret.c_str());
    if (!request.signer->token.empty()) headers.add("x-amz-security-token: " + request.signer->token);
  }
  curl.set(handle, CURLOPT_HTTPHEADER, headers.list);
  const CURLcode code = curl.perform(handle);
  if (code != CURLE_OK) {
    response.status = 0;
    response.failure = curl.text(code);
  }
  handles().give(curl, handle);
  ARROW_RETURN_NOT_OK(exchange.problem);
  if (code == CURLE_ABORTED_BY_CALLBACK) return Status::Cancelled("interrupted");
  if (code == CURLE_OK && !exchange.begun && request.begin && request.sink && response.status / 100 == 2)
    ARROW_RETURN_NOT_OK(request.begin(response.status, response.headers));  // an empty body
  return response;
}

Status wait_before(const Retry& retry, int attempt, const HttpResponse& answer) {
  thread_local std::minstd_rand random(static_cast<unsigned>(
      std::chrono::steady_clock::now().time_since_epoch().count() ^ (static_cast<std::int64_t>(::getpid()) << 20)));
  const double most = std::min(retry.cap_s, retry.delay_s * static_cast<double>(1LL << std::min(attempt, 30)));
  double wait = most * std::uniform_real_distribution<double>(0.5, 1.0)(random);
  if (const std::string told = answer.header("retry-after"); !told.empty() && std::isdigit(told[0]) != 0)
    wait = std::clamp(static_cast<double>(leading_integer(told)), wait, std::max(retry.cap_s, wait));
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(wait);
  while (std::chrono::steady_clock::now() < until) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(std::chrono::milliseconds(50),
                                                                        until - std::chrono::steady_clock::now()));
  }
  return Status::OK();
}

Result<HttpResponse> retried(const Retry& retry, const std::function<Result<HttpResponse>()>& once) {
  for (int attempt = 0;; ++attempt) {
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, once());
    if (!answer.passing() || attempt >= retry.tries) return answer;
    ARROW_RETURN_NOT_OK(wait_before(retry, attempt, answer));
  }
}

std::string percent_encode(std::string_view text, bool slashes) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || (slashes && c == '/');
    if (plain) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace tapemill
