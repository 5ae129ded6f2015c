// libsodium's one-time set-up, which also picks its fastest X25519 for this processor. No
// cryptography of its own.
#pragma once

namespace jitwg {

// Runs sodium_init() once per process; any thread, any number of times, cheap after the first. Ends
// the program when libsodium cannot work here (no random source), since nothing could be trusted
// after that.
void InitSodium();

}  // namespace jitwg
