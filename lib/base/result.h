// Result<T>: the outcome of anything that can fail for reasons outside the program. Knows no
// transport: only lib/rpc turns an ErrorCode into a gRPC status.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace jitwg {

// A closed set of reasons, named after the canonical codes so that lib/rpc can map them one to one.
enum class ErrorCode {
  kInvalidArgument,     // the caller's value can never work
  kNotFound,            // the named thing is not there
  kAlreadyExists,       // the named thing is there and is not the caller's
  kPermissionDenied,    // missing capability, file mode, or forbidden by the guard
  kFailedPrecondition,  // right call, wrong state
  kResourceExhausted,   // a bound was reached
  kUnavailable,         // try again later
  kDeadlineExceeded,
  kAborted,   // lost a race, try again
  kDataLoss,  // stored data is damaged
  kUnimplemented,
  kInternal,  // a bug, or an errno nobody expected
};

// Returns the code's canonical upper-case name, e.g. "INVALID_ARGUMENT".
std::string_view ToString(ErrorCode code);

// `message` is one line for a person: what is wrong and how to mend it. It never carries a secret.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  // Implicit on purpose: `return Error{...};` reads as what it is.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}
};

using Status = Result<void>;

// An Error with kInvalidArgument.
Error InvalidArgument(std::string message);

// An Error whose message ends in ": <strerror(errno_value)>"; maps well-known errno values to
// codes.
Error ErrnoError(std::string_view what, int errno_value);

}  // namespace jitwg
