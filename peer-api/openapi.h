// The API's OpenAPI document, peer-api/openapi.json, as it was at build time.
#pragma once

#include <string_view>

namespace jitwg::api {

std::string_view OpenApiText();

}  // namespace jitwg::api
