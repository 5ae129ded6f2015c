// Makes one interface ready for jitwg, and removes it again. What is there already and right stays
// as it is, with its peers; what somebody else made is refused, not changed.
#pragma once

#include <string>
#include <vector>

#include "ctl/gateway/plan.h"
#include "lib/base/result.h"
#include "sniffer/install/route_socket.h"

namespace jitwg::ctl {

struct BackendChoice {
  std::string backend = "auto";  // "auto", "kernel", "userspace"
  std::string userspace_program = "wireguard-go";
};

// What was done, a line each; empty: everything was there. Refused, with nothing changed: a name of
// another type, an interface with another private key than the file's, a key file that others may
// read, a port that is taken, a prefix that is routed elsewhere. What was done before an error
// stays, and the next call goes on from there.
Result<std::vector<std::string>> BringUp(sniffer::RouteSocket& route, const InterfacePlan& plan,
                                         const BackendChoice& choice);

// False: there was none. Refuses an interface of another type, or with another key than the file's.
Result<bool> TakeDown(sniffer::RouteSocket& route, const InterfacePlan& plan);

}  // namespace jitwg::ctl
