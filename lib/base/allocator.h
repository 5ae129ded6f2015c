// What the daemons ask of the C library's allocator. Nothing but the daemons' start calls it.
#pragma once

namespace jitwg {

// So many arenas at most. The allocator would make eight for each processor, and each keeps what
// its fullest moment needed: gRPC's threads come and go, so all of them see lists of peers and
// bursts of handshakes in the course of time.
inline constexpr int kArenas = 2;

// Before the first thread starts.
void LimitArenas();

}  // namespace jitwg
