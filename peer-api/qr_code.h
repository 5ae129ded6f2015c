// Text as a QR code, for phones: SVG and PNG. The only file that knows libqrencode and libpng.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace jitwg::api {

// At most 2,953 bytes (QR version 40, level L): kInvalidArgument beyond. The results show the text,
// secrets and all: the caller wipes them.
Result<std::string> QrSvg(const std::string& text);
Result<std::string> QrPng(const std::string& text);

}  // namespace jitwg::api
