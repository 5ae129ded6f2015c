// The words of HTTP as the handlers here use them, and whom they answer.
#pragma once

#include "lib/http/message.h"
#include "lib/http/problem.h"
#include "peer-api/role.h"

namespace jitwg::api {

using http::CodeName;
using http::Problem;
using http::Request;
using http::RequestHead;
using http::Response;

}  // namespace jitwg::api
