#include "provisioner/interface_table.h"

#include <utility>

namespace jitwg::provisioner {

bool InterfaceTable::Update(std::vector<InterfaceState> states) {
  std::map<std::string, std::shared_ptr<const InterfaceState>> next;
  for (InterfaceState& state : states) {
    auto shared = std::make_shared<const InterfaceState>(std::move(state));
    next.insert_or_assign(shared->interface, std::move(shared));
  }
  const std::lock_guard lock(mutex_);
  bool renewed = false;
  for (const auto& [name, state] : next) {
    const auto old = states_.find(name);
    const bool same = old != states_.end() && old->second->generation == state->generation &&
                      old->second->present == state->present;
    if (state->present && !same) renewed = true;
  }
  states_ = std::move(next);
  return renewed;
}

std::shared_ptr<const InterfaceState> InterfaceTable::Find(const std::string& interface) const {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(interface);
  return found == states_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const InterfaceState>> InterfaceTable::Present() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const InterfaceState>> present;
  for (const auto& [name, state] : states_) {
    if (state->present) present.push_back(state);
  }
  return present;
}

}  // namespace jitwg::provisioner
