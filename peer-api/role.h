// Whom the peer API answers.
#pragma once

#include <cstdint>

namespace jitwg::api {

// What a bearer token allows. Admin may do what gateways may.
enum class Role : std::uint8_t { kAnyone, kGateway, kAdmin };

}  // namespace jitwg::api
