#include "ctl/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/ctl/run_ctl.h"

namespace jitwg::ctl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> Offered(Arguments words) {
  words.insert(words.begin(), {"completion", "words"});
  const auto outcome = RunCtl(words);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::vector<std::string> offered;
  for (std::string line; std::getline(lines, line);) offered.push_back(line);
  return offered;
}

TEST(Completion, OffersCommandsThenTheirSecondWords) {
  EXPECT_THAT(Offered({"pe"}), ElementsAre("peer", "peers"));
  EXPECT_THAT(Offered({""}), Contains("gateway"));
  EXPECT_THAT(Offered({"peer", ""}), ElementsAre("add", "import", "list", "revoke", "show"));
  EXPECT_THAT(Offered({"--json", "peer", "i"}), ElementsAre("import"));
  EXPECT_THAT(Offered({"--registry", "sqlite:/x", "gateway", "u"}), ElementsAre("up"));
  EXPECT_THAT(Offered({"nonsense", ""}), IsEmpty());
}

TEST(Completion, OffersTheOptionsOfTheCommandThatIsThere) {
  EXPECT_THAT(Offered({"peer", "import", "--s"}), ElementsAre("--skip-bad", "--sniffer"));
  EXPECT_THAT(Offered({"peer", "import", "a.csv", "--rep"}), ElementsAre("--replace", "--report"));
  EXPECT_THAT(Offered({"status", "--"}), Not(Contains("--skip-bad")));
  EXPECT_THAT(Offered({"--reg"}), Contains("--registry"));
}

TEST(Completion, LeavesFilesAndTextsToTheShell) {
  EXPECT_THAT(Offered({"peer", "import", "--report", ""}), IsEmpty());
  EXPECT_THAT(Offered({"peer", "import", ""}), IsEmpty());
  EXPECT_THAT(Offered({"status", "--config", "-"}), IsEmpty());
}

TEST(Completion, HasAScriptForEachShell) {
  for (const std::string& shell : Offered({"completion", ""})) {
    EXPECT_THAT(RunCtl({"completion", shell}).out, HasSubstr("jitwgctl completion words"));
  }
  EXPECT_EQ(RunCtl({"completion"}).code, 2);
  EXPECT_THAT(RunCtl({"completion", "--help"}).out, HasSubstr("bash"));
}

}  // namespace
}  // namespace jitwg::ctl
