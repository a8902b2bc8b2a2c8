#include "sources/polite.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "core/paths.h"
#include "core/progress.h"
#include "core/workers.h"

namespace fs = std::filesystem;
namespace tapemill::sources {
namespace {

using Clock = std::chrono::steady_clock;

Status wait_until(Clock::time_point when) {
  while (Clock::now() < when) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::milliseconds(50), when - Clock::now()));
  }
  return Status::OK();
}

class Visitor {
 public:
  explicit Visitor(const Manners& manners) : manners_(manners) {}

  Result<HttpResponse> get(const WantedFile& file) {
    if (file.needs_visit && cookies_.empty()) ARROW_RETURN_NOT_OK(visit());
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(file.url, file.needs_visit));
    if (!file.needs_visit || (answer.status != 401 && answer.status != 403)) return answer;
    ARROW_RETURN_NOT_OK(visit());  // cookies wear out: once more with new ones
    return ask(file.url, true);
  }

 private:
  Status visit() {
    cookies_.clear();
    ARROW_ASSIGN_OR_RAISE(HttpResponse answer, ask(manners_.home, false));
    for (const std::string& cookie : answer.set_cookies) cookies_ += (cookies_.empty() ? "" : "; ") + cookie;
    return Status::OK();
  }

  Result<HttpResponse> ask(const std::string& url, bool with_cookies) {
    return retried(manners_.retry, [&]() -> Result<HttpResponse> {
      ARROW_RETURN_NOT_OK(wait_until(next_));
      next_ = Clock::now() + std::chrono::microseconds(static_cast<std::int64_t>(manners_.pace_s * 1e6));
      HttpRequest request;
      request.url = url, request.headers = manners_.headers;
      if (with_cookies) request.cookies = cookies_;
      return http(request);
    });
  }

  const Manners& manners_;
  std::string cookies_;
  Clock::time_point next_ = Clock::now();
};

bool is_page(std::string_view body) {
  const std::size_t first = body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return first != std::string_view::npos && body[first] == '<';
}

/// What an answer means; a file that came is written, whole or not at all.
Status settle(const HttpResponse& answer, const std::string& path, const std::string& mark, const std::string& url,
              const Retry& retry, Fetched& out) {
  using Outcome = Fetched::Outcome;
  out.outcome = Outcome::failed;
  const std::string said = fmt::format("the site answered {}", answer.status);
  if (answer.status == 404) {
    out.outcome = Outcome::missing;
  } else if (answer.status == 401 || answer.status == 403) {
    out.outcome = Outcome::forbidden, out.why = said;
  } else if (answer.status == 429) {
    out.why = fmt::format("throttled: {} {} times; a longer --pace helps", said, retry.tries + 1);
  } else if (answer.status == 0) {
    out.why = answer.failure;
  } else if (answer.status != 200) {
    out.why = said;
  } else if (answer.body.empty() || is_page(answer.body)) {
    out.why = answer.body.empty() ? "the answer is empty" : "a page came instead of a file";
  } else {
    ARROW_RETURN_NOT_OK(write_file_atomically(path, answer.body));
    ARROW_RETURN_NOT_OK(write_file_atomically(mark, url));
    out.outcome = Outcome::ok, out.path = path, out.bytes = static_cast<std::int64_t>(answer.body.size());
  }
  return Status::OK();
}

}  // namespace

Result<std::vector<Fetched>> fetch_politely(const Manners& manners, const std::vector<WantedFile>& files) {
  std::error_code failed;
  fs::create_directories(manners.folder, failed);
  if (failed) return errno_error(manners.folder, failed.value());
  Visitor visitor(manners);
  std::vector<Fetched> out;
  Progress progress("download", static_cast<std::int64_t>(files.size()), "files");
  for (const WantedFile& file : files) {
    if (interrupt().stop_requested()) return Status::Cancelled("interrupted");
    Fetched& one = out.emplace_back();
    one.key = file.name, one.session = file.session;
    const std::string path = manners.folder + "/" + file.name, mark = path + ".fetched";
    const std::string from = read_file(mark).ValueOr(std::string());
    const bool there = fs::exists(path, failed);
    if (!manners.again && (from == file.url || (there && from.empty()))) {
      one.outcome = Fetched::Outcome::unchanged, one.path = there ? path : "";
    } else {
      ARROW_ASSIGN_OR_RAISE(HttpResponse answer, visitor.get(file));
      ARROW_RETURN_NOT_OK(settle(answer, path, mark, file.url, manners.retry, one));
    }
    progress.add(1, 0, one.bytes);
  }
  return out;
}

}  // namespace tapemill::sources
