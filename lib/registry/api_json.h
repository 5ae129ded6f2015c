// What else passes between the peer API's internal look-up and gateways: change notices, reports,
// errors. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/result.h"
#include "lib/registry/registry.h"
#include "lib/registry/sightings.h"

namespace jitwg::registry {

// A page of change notices. `reset`: notices were lost, anything may have changed.
struct ChangePage {
  std::string cursor;
  bool reset = false;
  std::vector<PublicKey> keys;
};
std::string ChangesToJson(const ChangePage& page);
Result<ChangePage> ChangesFromJson(std::string_view text);

// {"holder": null} when the address is nobody's.
std::string HolderToJson(const std::optional<AddressHolder>& holder);
Result<std::optional<AddressHolder>> HolderFromJson(std::string_view text);

std::string ReportToJson(const GatewayReport& report);
// kInvalidArgument says which member is wrong.
Result<GatewayReport> ReportFromJson(std::string_view text);

// The problem's "code" ("not_found", ...) as an ErrorCode, with its detail; of anything else what
// the HTTP status allows to say.
Error ErrorFromProblem(int status, std::string_view body);

// "not_found" for kNotFound, and so on.
std::string CodeName(ErrorCode code);

}  // namespace jitwg::registry
