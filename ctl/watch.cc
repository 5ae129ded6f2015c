// `jitwgctl watch`: the sniffer's events and the provisioner's decisions and evictions as they
// happen, two streams merged into one output. Changes nothing.
#include <chrono>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>

#include "ctl/command.h"
#include "ctl/daemons.h"
#include "ctl/decision_text.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/screen.h"
#include "lib/rpc/channel.h"

namespace jitwg::ctl {
namespace {

struct WatchOptions {
  CommonOptions common;
  bool events = false;
  bool decisions = false;
  bool lines = false;
  std::string interface;
  std::uint64_t count = 0;  // 0: without end
  std::chrono::milliseconds timeout{0};
};

// The one place that both streams' threads write to.
class Sink {
 public:
  Sink(const WatchOptions& options, Io io)
      : options_(options),
        io_(io),
        screen_(options.lines || options.common.json
                    ? nullptr
                    : Screen::Make(io.out, options.interface.empty() ? "all interfaces"
                                                                     : options.interface)) {}

  // Streams register before they start, so that the first who is done can end the other.
  void Register(grpc::ClientContext* context) { contexts_.push_back(context); }

  // False: enough was seen.
  bool Show(const std::string& text, Json json, std::uint64_t dropped_before, const char* stream) {
    const std::lock_guard lock(mutex_);
    if (Enough()) return false;
    ShowDropped(dropped_before, stream, json);
    if (screen_) {
      screen_->Add(json);
    } else if (options_.common.json) {
      PrintJson(io_.out, json);
    } else {
      io_.out << text << "\n";
    }
    if (!screen_) io_.out.flush();
    ++seen_;
    if (Enough()) EndAll();
    return !Enough();
  }

  // A sign of life; people need not see it, programs learn from the first that the stream has
  // begun.
  bool ShowHeartbeat(Json json, std::uint64_t dropped_before, const char* stream) {
    const std::lock_guard lock(mutex_);
    if (Enough()) return false;
    ShowDropped(dropped_before, stream, json);
    if (options_.common.json) {
      PrintJson(io_.out, json);
      io_.out.flush();
    }
    return !Enough();
  }

  // The stream has ended. What comes after the first reason is a consequence of it.
  void Ended(const grpc::Status& status, const Error& explained) {
    const std::lock_guard lock(mutex_);
    if (Enough() || code_) return;
    const bool timed_out = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    if (timed_out && options_.timeout.count() > 0) {
      code_ = options_.count == 0 ? kExitOk : kExitFailed;
      if (options_.count != 0) {
        io_.err << "jitwgctl: saw only " << seen_ << " of " << options_.count << " in "
                << FormatDuration(options_.timeout) << "\n";
      }
    } else {
      screen_.reset();
      code_ = Fail(io_, explained);
    }
    EndAll();
  }

  int ExitCode() const { return code_.value_or(kExitOk); }

 private:
  bool Enough() const {
    if (options_.count != 0 && seen_ >= options_.count) return true;
    // A screen's thread may be writing.
    return !screen_ && !io_.out.good();
  }
  void EndAll() {
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
  }
  void ShowDropped(std::uint64_t dropped_before, const char* stream, Json& json) {
    if (dropped_before == 0) return;
    json["dropped_before"] = dropped_before;
    if (screen_) return screen_->AddLost(dropped_before);
    io_.err << "jitwgctl: " << dropped_before << " " << stream << " were lost here\n";
  }

  const WatchOptions& options_;
  const Io io_;
  std::unique_ptr<Screen> screen_;
  std::mutex mutex_;
  std::vector<grpc::ClientContext*> contexts_;
  std::uint64_t seen_ = 0;
  std::optional<int> code_;
};

std::string EventText(const v1::HandshakeEvent& event) {
  return TimeText(event.captured_at()) + "  event     " + Clean(event.interface()) + "  " +
         KeyText(event.public_key()) + "  from " + EndpointText(event.source()) +
         (event.already_installed() ? "  already installed" : "");
}

std::string DemandText(const v1::OutboundDemand& demand) {
  return TimeText(demand.asked_at()) + "  demand    " + Clean(demand.interface()) + "  for " +
         AddressText(demand.destination());
}

void WatchEvents(SnifferClient& client, grpc::ClientContext& context, const std::string& interface,
                 Sink& sink) {
  v1::WatchRequest request;
  if (!interface.empty()) request.add_interfaces(interface);
  const auto reader = client.events().Watch(&context, request);
  bool more = true;
  for (v1::WatchResponse response; more && reader->Read(&response);) {
    if (response.has_event()) {
      more = sink.Show(EventText(response.event()), ToJson(response.event()),
                       response.dropped_before(), "events");
    } else if (response.has_demand()) {
      more = sink.Show(DemandText(response.demand()), ToJson(response.demand()),
                       response.dropped_before(), "events");
    } else if (response.has_heartbeat()) {
      more = sink.ShowHeartbeat(
          {{"type", "heartbeat"},
           {"stream", "events"},
           {"sniffer_instance", std::to_string(response.heartbeat().sniffer_instance())}},
          response.dropped_before(), "events");
    }
  }
  if (!more) context.TryCancel();
  const auto status = reader->Finish();
  sink.Ended(status, client.Explain(status));
}

// Returns whether to go on.
bool ShowDecision(const v1::WatchDecisionsResponse& response, const std::string& interface,
                  Sink& sink) {
  const auto dropped = response.dropped_before();
  const auto wanted = [&](const std::string& name) {
    return interface.empty() || name == interface;
  };
  if (response.has_decision() && wanted(response.decision().interface())) {
    return sink.Show(DecisionText(response.decision()), ToJson(response.decision()), dropped,
                     "decisions");
  }
  if (response.has_eviction() && wanted(response.eviction().interface())) {
    return sink.Show(EvictionText(response.eviction()), ToJson(response.eviction()), dropped,
                     "decisions");
  }
  if (response.has_heartbeat()) {
    return sink.ShowHeartbeat({{"type", "heartbeat"}, {"stream", "decisions"}}, dropped,
                              "decisions");
  }
  return true;
}

void WatchDecisions(ProvisionerClient& client, grpc::ClientContext& context,
                    const std::string& interface, Sink& sink) {
  const auto reader = client.admin().WatchDecisions(&context, {});
  bool more = true;
  for (v1::WatchDecisionsResponse response; more && reader->Read(&response);) {
    more = ShowDecision(response, interface, sink);
  }
  if (!more) context.TryCancel();
  const auto status = reader->Finish();
  sink.Ended(status, client.Explain(status));
}

int Watch(const WatchOptions& options, Io io) {
  const bool both = !options.events && !options.decisions;
  auto sniffer = SnifferClient::Make(options.common);
  if (!sniffer) return Fail(io, sniffer.error());
  auto provisioner = ProvisionerClient::Make(options.common);
  if (!provisioner) return Fail(io, provisioner.error());
  Sink sink(options, io);
  grpc::ClientContext events;
  grpc::ClientContext decisions;
  sink.Register(&events);
  sink.Register(&decisions);
  if (options.timeout.count() > 0) {
    rpc::SetTimeout(events, options.timeout);
    rpc::SetTimeout(decisions, options.timeout);
  }
  std::thread beside;
  if (both || options.events) {
    beside = std::thread([&] { WatchEvents(*sniffer, events, options.interface, sink); });
  }
  if (both || options.decisions) {
    WatchDecisions(*provisioner, decisions, options.interface, sink);
  }
  if (beside.joinable()) beside.join();
  return sink.ExitCode();
}

}  // namespace

int WatchCommand(const Arguments& arguments, Io io) {
  WatchOptions options;
  ConfigParser parser("jitwgctl watch",
                      "Shows authenticated initiations, decisions and evictions as they happen.");
  parser.Add("events", &options.events, "the sniffer's events, not the decisions").FlagOnly();
  parser
      .Add("decisions", &options.decisions,
           "the provisioner's decisions and evictions, not the events")
      .FlagOnly();
  parser.Add("lines", &options.lines, "a line for each on a terminal too, instead of a table")
      .FlagOnly();
  parser.Add("interface", &options.interface, "only this interface")
      .Check(CheckInterfaceName)
      .ValueName("NAME")
      .FlagOnly();
  parser.Add("count", &options.count, "end after so many lines; 0: never").FlagOnly();
  parser.Add("timeout", &options.timeout, "end after this time; 0: never").FlagOnly();
  AddCommon(parser, options.common);
  parser.Examples(
      "  jitwgctl watch\n"
      "  jitwgctl watch --decisions --count 1 --timeout 30s     wait for the next decision\n"
      "  jitwgctl --json watch | jq 'select(.type == \"decision\")'\n\n"
      "On a terminal it is a table of the newest, with counts above; elsewhere a line for each.\n"
      "Exit codes: 0 --count was reached, or --timeout without --count; 1 --timeout came first;\n"
      "3 a daemon does not answer, or ended.\n"
      "JSON: one object per line; `type` is event, demand, decision, eviction or heartbeat. The\n"
      "first heartbeat of each `stream` says that nothing is missed from there on.\n");
  parser.Parse(arguments);
  if (const auto code = parser.Finish(io.out, io.err)) return *code;
  return Watch(options, io);
}

}  // namespace jitwg::ctl
