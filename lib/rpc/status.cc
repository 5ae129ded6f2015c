#include "lib/rpc/status.h"

#include <array>
#include <utility>

namespace jitwg::rpc {
namespace {

constexpr std::array<std::pair<ErrorCode, grpc::StatusCode>, 12> kCodes{{
    {ErrorCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
    {ErrorCode::kNotFound, grpc::StatusCode::NOT_FOUND},
    {ErrorCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
    {ErrorCode::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
    {ErrorCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
    {ErrorCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
    {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
    {ErrorCode::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
    {ErrorCode::kAborted, grpc::StatusCode::ABORTED},
    {ErrorCode::kDataLoss, grpc::StatusCode::DATA_LOSS},
    {ErrorCode::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED},
    {ErrorCode::kInternal, grpc::StatusCode::INTERNAL},
}};

}  // namespace

grpc::Status ToGrpc(const Error& error) {
  for (const auto& [code, grpc_code] : kCodes) {
    if (code == error.code) return {grpc_code, error.message};
  }
  return {grpc::StatusCode::INTERNAL, error.message};
}

grpc::Status ToGrpc(const Status& status) {
  return status ? grpc::Status::OK : ToGrpc(status.error());
}

Status FromGrpc(const grpc::Status& status, std::string_view what) {
  if (status.ok()) return {};
  ErrorCode code = ErrorCode::kInternal;
  for (const auto& [ours, grpc_code] : kCodes) {
    if (grpc_code == status.error_code()) code = ours;
  }
  return Error{code, std::string(what) + ": " + status.error_message()};
}

}  // namespace jitwg::rpc
