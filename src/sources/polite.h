#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/http.h"
#include "core/time.h"
#include "sources/object_files.h"

namespace tapemill::sources {

/// One file of a site, as a person would fetch it.
struct WantedFile {
  std::string name;  // of the file in the folder; the key of its outcome
  std::string url;
  bool needs_visit = false;     // the site answers only who has visited its home page: cookies
  std::optional<Date> session;  // that it is of
};

/// How to behave: one request after the other, over one connection, never faster than the pace.
struct Manners {
  std::string folder;
  double pace_s = 1;                 // between the starts of two requests, repetitions included
  Retry retry;                       // 408, 425, 429, 5xx and cut connections, with backoff and jitter
  std::vector<std::string> headers;  // of every request: User-Agent, Accept, Referer
  std::string home;                  // page that gives the cookies
  bool again = false;                // ask also for what was fetched before
};

/// Fetches files in their order, into the folder. One failure does not end the rest. Beside each file lies NAME.fetched with the
/// address it was fetched from: the same address is not asked for again, so that a run that was cut off goes on where it stopped,
/// and `path` is empty where the file itself has been forgotten since; a file without that mark is somebody's own, and stays.
/// A page instead of a file (200 with HTML) is `failed`, and so is what is throttled still after the last try. Errors: an
/// unwritable folder; interrupted.
Result<std::vector<Fetched>> fetch_politely(const Manners& manners, const std::vector<WantedFile>& files);

}  // namespace tapemill::sources
