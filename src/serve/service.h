#pragma once
#include <map>
#include <string>

#include "lake/lake.h"

namespace tapemill::serve {

/// One request and its answer, without a socket: what tests ask and what http.cpp carries.
struct Request {
  std::string method = "GET", path;            // path is decoded, without the query
  std::map<std::string, std::string> headers;  // lower-case names
};
struct Response {
  int status = 200;
  std::string type = "application/json", body;
};

/// The read-only face of a lake. Thread-safe: each answer reads the logs as they are.
///   GET /health                 {status, version, source, lake, tables}
///   GET /api/tables             rows, bytes, files, version, last commit, first and last session per table
///   GET /api/tables/NAME        columns besides
///   GET /api/runs, /api/runs/ID backtests of this lake
///   GET /report                 the newest report page; / shows what there is
class Service {
 public:
  /// With a token every request but /health must carry "Authorization: Bearer TOKEN" (compared in constant time).
  Service(lake::Lake lake, std::string token) : lake_(std::move(lake)), token_(std::move(token)) {}
  /// HEAD is answered as GET: http.cpp leaves the body out and its length in.
  Response answer(const Request& request) const;

 private:
  Response route(const Request& request) const;
  lake::Lake lake_;
  std::string token_;
};

}  // namespace tapemill::serve
