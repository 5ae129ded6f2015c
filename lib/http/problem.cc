#include "lib/http/problem.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace jitwg::http {
namespace {

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kAborted:
      return 409;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kDeadlineExceeded:
      return 504;
    case ErrorCode::kUnimplemented:
      return 501;
    // The store's own permissions are no business of the caller's.
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kDataLoss:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

std::string CodeName(ErrorCode code) {
  std::string name(ToString(code));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

std::string_view Title(int status) {
  constexpr std::array<std::pair<int, std::string_view>, 19> kTitles{{
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
  }};
  for (const auto& [number, title] : kTitles) {
    if (number == status) return title;
  }
  return "Error";
}

Response Problem(int status, ErrorCode code, const std::string& detail) {
  const nlohmann::json body{{"type", "about:blank"},
                            {"title", Title(status)},
                            {"status", status},
                            {"code", CodeName(code)},
                            {"detail", detail}};
  // A detail may quote what a stranger sent.
  auto text = body.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  Response response(status, "application/problem+json", std::move(text));
  if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response Problem(const Error& error) {
  return Problem(StatusOf(error.code), error.code, error.message);
}

}  // namespace jitwg::http
