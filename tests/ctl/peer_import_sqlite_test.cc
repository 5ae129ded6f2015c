#include "tests/ctl/peer_import_contract.h"

namespace jitwg::ctl {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, PeerImport, testing::Values([](const std::string& folder) {
                           return "sqlite:" + folder + "/registry.db";
                         }));

}  // namespace
}  // namespace jitwg::ctl
