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

/// The token of `token_file` (which must not be readable by others) or of $TAPEMILL_TOKEN, without blanks around it; empty
/// where there is none. Usage error: fewer than kLeastToken characters.
inline constexpr std::size_t kLeastToken = 16;
Result<std::string> read_token(const ServeOptions& options);

/// Serves until `stop`. Listens on loopback; a wider host without a token is wrong use. `ready` is told the port (given 0: any
/// free one). Each connection has a thread of its own, at most 64; when they are in use, /health is still told and anything
/// else is 503 with Retry-After. A request has 10 s (408), 16 KB of head (431, 414) and 1 KB of body (413). Without a token the
/// Host must be this machine's: localhost, 127.0.0.1, [::1] or the address listened on (403).
Status serve(const Service& service, const ServeOptions& options, bool has_token, const std::stop_token& stop,
             const std::function<void(int)>& ready);

}  // namespace tapemill::serve
