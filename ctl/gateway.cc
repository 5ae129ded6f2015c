// `jitwgctl gateway up|down|show`: the WireGuard interfaces that a sniffer is to serve. The work is
// in ctl/gateway; here are the command lines and what is printed.
#include <csignal>
#include <ctime>
#include <ostream>

#include "ctl/command.h"
#include "ctl/format.h"
#include "ctl/gateway/bring_up.h"
#include "ctl/gateway/interface_state.h"
#include "ctl/gateway/key_file.h"
#include "ctl/json.h"
#include "lib/base/signals.h"

namespace jitwg::ctl {
namespace {

using sniffer::RouteSocket;

constexpr std::time_t kSecondsBetweenLooks = 1;

constexpr const char* kUpExamples =
    "  jitwgctl gateway up --interface wg0 --allow wg0=10.8.0.0/16 --address 10.8.0.1/16\n"
    "      makes wg0 with a key of its own in /etc/jitwg/wg0.key, port 51820, and the route\n"
    "  jitwgctl gateway up --config /etc/jitwg/sniffer.toml\n"
    "      the same from the sniffer's own file, with keys that only this command reads:\n"
    "      interface = \"wg0\"\n"
    "      allow = [\"wg0=10.8.0.0/16\", \"wg0=fd08::/64\"]\n"
    "      address = [\"10.8.0.1/16\", \"fd08::1/64\"]\n"
    "      listen-port = 51820\n\n"
    "May be run again at any time: what is right stays, peers and all. A WireGuard interface made\n"
    "by hand or by wg-quick serves jitwg just as well.\n"
    "Exit codes: 0 the interfaces are as configured; 1 refused; 2 wrong usage.\n";

constexpr const char* kDownExamples =
    "  jitwgctl gateway down --interface wg0\n\n"
    "Its peers lose their tunnels. The key file stays. Exit codes: 0 gone, or was not there; 1\n"
    "refused: it is no WireGuard, or its private key is not the file's.\n";

constexpr const char* kShowExamples =
    "  jitwgctl gateway show --config /etc/jitwg/sniffer.toml\n"
    "  jitwgctl --json gateway show --interface wg0 | jq -r .public_key\n\n"
    "Exit codes: 0 all interfaces are as configured; 1 not so, the differences are shown; 2 wrong\n"
    "usage. JSON: one object per interface and line.\n";

struct Shown {
  InterfaceState state;
  std::vector<std::string> differences;
};

Result<Shown> Look(RouteSocket& route, const InterfacePlan& plan) {
  auto state = ReadState(route, plan.name);
  if (!state) return state.error();
  const auto key = ReadKeyFile(plan.key_file);
  std::vector<std::string> differences =
      Differences(plan, key ? DerivePublicKey(*key) : PublicKey{}, *state);
  if (!key) differences.push_back(key.error().message);
  return Shown{std::move(*state), std::move(differences)};
}

std::vector<std::string> RoutesOf(const InterfaceState& state) {
  std::vector<std::string> routes;
  for (const RouteFacts& route : state.routes) {
    if (state.link && route.ifindex == state.link->ifindex) {
      routes.push_back(route.prefix.ToString());
    }
  }
  return routes;
}

std::vector<std::string> AddressesOf(const InterfaceState& state) {
  std::vector<std::string> addresses;
  for (const InterfaceAddress& address : state.addresses) addresses.push_back(address.ToString());
  return addresses;
}

Json StateJson(const InterfacePlan& plan, const Shown& shown) {
  Json json;
  json["name"] = plan.name;
  json["exists"] = shown.state.link.has_value();
  if (shown.state.link) {
    json["backend"] = shown.state.backend;
    json["up"] = shown.state.link->up;
    json["mtu"] = shown.state.link->mtu;
    json["public_key"] = shown.state.public_key.ToBase64();
    json["listen_port"] = shown.state.listen_port;
    json["addresses"] = AddressesOf(shown.state);
    json["routes"] = RoutesOf(shown.state);
  }
  json["as_configured"] = shown.differences.empty();
  json["differences"] = shown.differences;
  return json;
}

std::string JoinedOrDash(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : " ") + item;
  return text.empty() ? "-" : text;
}

void PrintText(std::ostream& out, const InterfacePlan& plan, const Shown& shown) {
  if (shown.state.link) {
    const LinkFacts& link = *shown.state.link;
    out << plan.name << ": " << shown.state.backend << ", " << (link.up ? "up" : "down") << ", MTU "
        << link.mtu << ", port " << shown.state.listen_port << "\n"
        << "  public key  " << shown.state.public_key.ToBase64() << "\n"
        << "  addresses   " << JoinedOrDash(AddressesOf(shown.state)) << "\n"
        << "  routes      " << JoinedOrDash(RoutesOf(shown.state)) << "\n";
  }
  if (shown.differences.empty()) out << "  as configured\n";
  for (const std::string& line : shown.differences) {
    out << (shown.state.link ? "  not as configured: " : plan.name + ": ") << line << "\n";
  }
}

bool Print(Io io, const GatewayOptions& options, const InterfacePlan& plan, const Shown& shown) {
  if (options.json) {
    PrintJson(io.out, StateJson(plan, shown));
  } else {
    PrintText(io.out, plan, shown);
  }
  return shown.differences.empty();
}

struct Ready {
  std::optional<int> exit_code;
  std::vector<InterfacePlan> plans;
};

// From the command line to what is to be done, or the exit code with which the command ends here.
Ready Prepare(ConfigParser& parser, GatewayOptions& options, const Arguments& arguments, Io io) {
  parser.Parse(arguments);
  Ready ready;
  if (!parser.Ends()) ready.plans = MakePlans(parser, options);
  ready.exit_code = parser.Finish(io.out, io.err);
  return ready;
}

// Until a signal comes (0), or one of the interfaces is not there any more.
int StayWith(RouteSocket& route, const std::vector<InterfacePlan>& plans, Io io) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  const timespec pause{kSecondsBetweenLooks, 0};
  while (::sigtimedwait(&ending, nullptr, &pause) < 0) {
    for (const InterfacePlan& plan : plans) {
      const auto state = ReadState(route, plan.name);
      if (!state) return Fail(io, state.error());
      if (!state->link) {
        return Fail(io, {ErrorCode::kNotFound, "interface " + plan.name + " went away"});
      }
    }
  }
  return kExitOk;
}

}  // namespace

int GatewayUpCommand(const Arguments& arguments, Io io) {
  GatewayOptions options;
  bool stay = false;
  ConfigParser parser("jitwgctl gateway up",
                      "Makes WireGuard interfaces ready for jitwg: key, port, addresses, routes.",
                      ConfigParser::File::kShared);
  AddGatewayOptions(parser, options);
  parser
      .Add("stay", &stay,
           "do not end, but watch the interfaces: for containers, which end with their program")
      .FlagOnly();
  parser.Examples(kUpExamples);
  const Ready ready = Prepare(parser, options, arguments, io);
  if (ready.exit_code) return *ready.exit_code;
  if (stay) BlockTerminationSignals();
  auto route = RouteSocket::Open();
  if (!route) return Fail(io, route.error());
  for (const InterfacePlan& plan : ready.plans) {
    const auto done = BringUp(*route, plan, {options.backend, options.userspace});
    if (!done) return Fail(io, done.error());
    for (const std::string& line : *done) io.err << plan.name << ": " << line << "\n";
    const auto shown = Look(*route, plan);
    if (!shown) return Fail(io, shown.error());
    if (!Print(io, options, plan, *shown)) return kExitFailed;
  }
  io.out.flush();
  return stay ? StayWith(*route, ready.plans, io) : kExitOk;
}

int GatewayDownCommand(const Arguments& arguments, Io io) {
  GatewayOptions options;
  ConfigParser parser("jitwgctl gateway down", "Removes the interfaces that `gateway up` made.",
                      ConfigParser::File::kShared);
  AddGatewayOptions(parser, options);
  parser.Examples(kDownExamples);
  const Ready ready = Prepare(parser, options, arguments, io);
  if (ready.exit_code) return *ready.exit_code;
  auto route = RouteSocket::Open();
  if (!route) return Fail(io, route.error());
  for (const InterfacePlan& plan : ready.plans) {
    const auto gone = TakeDown(*route, plan);
    if (!gone) return Fail(io, gone.error());
    if (options.json) {
      PrintJson(io.out, Json{{"name", plan.name}, {"removed", *gone}});
    } else {
      io.out << plan.name << (*gone ? ": removed\n" : ": was not there\n");
    }
  }
  return kExitOk;
}

int GatewayShowCommand(const Arguments& arguments, Io io) {
  GatewayOptions options;
  ConfigParser parser("jitwgctl gateway show",
                      "Shows the interfaces, and what of them is not as configured.",
                      ConfigParser::File::kShared);
  AddGatewayOptions(parser, options);
  parser.Examples(kShowExamples);
  const Ready ready = Prepare(parser, options, arguments, io);
  if (ready.exit_code) return *ready.exit_code;
  auto route = RouteSocket::Open();
  if (!route) return Fail(io, route.error());
  bool sound = true;
  for (const InterfacePlan& plan : ready.plans) {
    const auto shown = Look(*route, plan);
    if (!shown) return Fail(io, shown.error());
    sound = Print(io, options, plan, *shown) && sound;
  }
  return sound ? kExitOk : kExitFailed;
}

}  // namespace jitwg::ctl
