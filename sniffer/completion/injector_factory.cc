#include "sniffer/completion/injector_factory.h"

#include <utility>

#include "sniffer/completion/mirred_injector.h"
#include "sniffer/completion/raw_injector.h"

namespace jitwg::sniffer {

std::unique_ptr<PacketInjector> MakeInjector(const InjectorWish& wish, std::string& problem) {
  problem.clear();
  if (wish.kind != "raw") {
    auto mirred = MirredInjector::Open(wish.state_dir);
    if (mirred) return std::move(*mirred);
    problem = "reinject by mirred: " + mirred.error().message;
    if (wish.kind == "mirred") return nullptr;
  }
  auto raw = RawInjector::Open();
  if (raw) return std::move(*raw);
  problem += (problem.empty() ? "" : "; ") + ("reinject by raw: " + raw.error().message);
  return nullptr;
}

}  // namespace jitwg::sniffer
