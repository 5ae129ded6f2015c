// Live and stale peers over time as a drawing. Pure; numbers alone go in, so nothing needs
// escaping.
#pragma once

#include <string>
#include <vector>

#include "provisioner/peer_census.h"

namespace jitwg::provisioner {

// An SVG element with the classes "live" and "stale" for its lines; fewer than two samples make a
// paragraph that says so.
std::string DrawChart(const std::vector<PeerCensus::Sample>& samples);

}  // namespace jitwg::provisioner
