#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "core/config.h"
#include "serve/service.h"

namespace tapemill::serve {

struct ServeOptions {
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string token_file;
};

/// The token of `token_file` (which must not be readable by others) or of $TAPEMILL_TOKEN; empty where there is none.
Result<std::string> read_token(const ServeOptions& options);

/// Serves until `stop`. Listens on loopback; a wider host without a token is wrong use. `ready` is told the port (given 0: any
/// free one). Each connection has a thread of its own, at most 64; a request has 10 s, 16 KB of head and no body to speak of.
Status serve(const Service& service, const ServeOptions& options, bool has_token, std::stop_token stop,
             const std::function<void(int)>& ready);

}  // namespace tapemill::serve
