// The words of HTTP as the handlers here use them, and whom they answer.
#pragma once

#include <cstdint>

#include "lib/http/message.h"
#include "lib/http/problem.h"

namespace jitwg::api {

using http::CodeName;
using http::Problem;
using http::Request;
using http::RequestHead;
using http::Response;

// What a bearer token allows. Admin may do what gateways may.
enum class Role : std::uint8_t { kAnyone, kGateway, kAdmin };

}  // namespace jitwg::api
