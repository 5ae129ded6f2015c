#include "tests/bench/gateway_world.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace jitwg::bench {

void LogTo(const std::string& path) {
  auto logger = std::make_shared<spdlog::logger>(
      "bench", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

RegistriesOf::RegistriesOf(const Crowd& crowd, const std::vector<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    if (kind == "sqlite") {
      addresses_[kind] = "sqlite:" + folder_.path() + "/registry.db";
    } else if (kind == "postgres") {
      server_ = std::make_unique<PostgresServer>();
      addresses_[kind] = "postgres:" + server_->SocketAddress(server_->NewDatabase());
    } else {
      throw std::runtime_error("registry '" + kind + "' is none of sqlite, postgres");
    }
    crowd.Register(addresses_[kind]);
  }
}

GatewayWorld::GatewayWorld(const WorldOptions& options, const Crowd& crowd) : in_(crowd.size()) {
  const std::string own = folder_.Make("sniffer");
  LogTo(own + "/log");
  LoadedSnifferOptions sniffer;
  sniffer.folder = own;
  sniffer.workers = options.workers;
  sniffer.completed = [this](std::size_t client) { Completed(client); };
  sniffer_ = std::make_unique<LoadedSniffer>(std::move(sniffer));
  provisioner_ = std::make_unique<ProvisionerProcess>(options.provisioner, sniffer_->address(),
                                                      options.registry, folder_.Make("provisioner"),
                                                      options.flags);
  AwaitReady();
}

void GatewayWorld::Completed(std::size_t client) {
  if (client < in_.size() && !in_[client].exchange(true)) completed_.fetch_add(1);
}

void GatewayWorld::AwaitReady() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!sniffer_->IsWatched()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the provisioner does not connect: see its log");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  // It reads the interfaces right after it connected.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

std::string GatewayWorld::Stuck() const {
  std::string text = std::to_string(completed()) + " of " + std::to_string(in_.size()) +
                     " are in and nothing moves; initiations:";
  for (std::size_t i = 0; i < sniffer::kInitiationResults; ++i) {
    const auto result = static_cast<sniffer::InitiationResult>(i);
    const std::uint64_t count = sniffer_->statistics().Get(result);
    if (count > 0) text += " " + std::string(ToString(result)) + "=" + std::to_string(count);
  }
  return text;
}

}  // namespace jitwg::bench
