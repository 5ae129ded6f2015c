// Errors as RFC 9457 problem details: every answer that is no success looks like this.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/http/message.h"

namespace jitwg::http {

// "invalid_argument"
std::string CodeName(ErrorCode code);

// {"type": "about:blank", "title": ..., "status": ..., "code": ..., "detail": ...}
Response Problem(int status, ErrorCode code, const std::string& detail);

// What a store or a check said, with the status that fits its code.
Response Problem(const Error& error);

// "Not Found" for 404.
std::string_view Title(int status);

}  // namespace jitwg::http
