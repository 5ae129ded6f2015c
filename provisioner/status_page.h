// The status page as HTML, and what a browser may do with it. Pure. Every text that came from the
// registry or the network is escaped here, and the policy forbids what escaping should have missed.
#pragma once

#include <string>
#include <string_view>

#include "provisioner/status_view.h"

namespace jitwg::provisioner {

// For text and for attributes in double quotes. Control bytes become '?'.
std::string EscapeHtml(std::string_view text);

std::string RenderStatusPage(const StatusView& view);

// The Content-Security-Policy to send along: nothing but what is served beside the page.
std::string_view StatusPagePolicy();
// What the page links to: /status.css and /status.js.
std::string_view StatusStyle();
std::string_view StatusScript();

}  // namespace jitwg::provisioner
