// The layers of configuration, and that every fault is named at once.
#include "lib/base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "lib/base/key.h"

namespace jitwg {
namespace {

using std::chrono::milliseconds;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Some of every kind of option, as a program would declare them.
class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    directory_ = testing::TempDir() + "config_test_" + std::to_string(::getpid());
    std::filesystem::create_directories(directory_);
    parser_.Add("interface", &interfaces_, "to serve").Check(CheckInterfaceName);
    parser_.AddParsed("allow", &allow_, ParseInterfacePrefix, "may be routed");
    parser_.Add("evict-interval", &interval_, "between looks").Range(1s, 24h);
    parser_.Add("max-peers", &max_peers_, "at most").Range(1, 1000);
    parser_.Add("socket-mode", &mode_, "of the socket");
    parser_.Add("backend", &backend_, "which").OneOf({"auto", "kernel"});
    parser_.Add("log-json", &json_, "log JSON");
    parser_.AddParsed("peer", &key_, ParsePublicKey, "a key");
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  std::string File(const std::string& text) {
    std::string path = directory_ + "/c.toml";
    std::ofstream(path) << text;
    return path;
  }
  void Parse(const std::vector<std::string>& arguments) {
    parser_.Parse(arguments, [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    });
  }
  std::optional<int> Finish() { return parser_.Finish(out_, err_); }

  std::string directory_;
  std::map<std::string, std::string> environment_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::vector<std::string> interfaces_;
  std::vector<InterfacePrefix> allow_;
  milliseconds interval_ = 10s;
  std::uint32_t max_peers_ = 100;
  FileMode mode_{0600};
  std::string backend_ = "auto";
  bool json_ = false;
  std::optional<PublicKey> key_;
  ConfigParser parser_{"tester", "Tests."};
};

TEST_F(ConfigTest, DefaultsStayWhenNothingIsGiven) {
  Parse({});
  EXPECT_EQ(Finish(), std::nullopt);
  EXPECT_EQ(interval_, 10s);
  EXPECT_EQ(max_peers_, 100U);
  EXPECT_THAT(interfaces_, IsEmpty());
  EXPECT_FALSE(parser_.IsSet("max-peers"));
  EXPECT_EQ(key_, std::nullopt);
}

TEST_F(ConfigTest, TheSameNamesWorkInAllThreePlaces) {
  environment_ = {{"JITWG_MAX_PEERS", "7"}, {"JITWG_LOG_JSON", "yes"}};
  Parse({"--config", File("socket-mode = \"0660\"\nbackend = 'kernel'"), "--evict-interval=5m"});
  EXPECT_EQ(Finish(), std::nullopt) << err_.str();
  EXPECT_EQ(interval_, 300s);
  EXPECT_EQ(max_peers_, 7U);
  EXPECT_TRUE(json_);
  EXPECT_EQ(mode_.bits, 0660U);
  EXPECT_EQ(backend_, "kernel");
}

TEST_F(ConfigTest, FlagBeatsEnvironmentBeatsFile) {
  environment_ = {{"JITWG_MAX_PEERS", "2"}, {"JITWG_EVICT_INTERVAL", "2s"}};
  Parse({"--config", File("max-peers = 3\nevict-interval = \"3s\"\nbackend = \"kernel\""),
         "--max-peers", "1"});
  EXPECT_EQ(Finish(), std::nullopt) << err_.str();
  EXPECT_EQ(max_peers_, 1U);
  EXPECT_EQ(interval_, 2s);
  EXPECT_EQ(backend_, "kernel");
}

TEST_F(ConfigTest, AnEmptyEnvironmentVariableIsNotSet) {
  environment_ = {{"JITWG_MAX_PEERS", ""}};
  Parse({"--config", File("max-peers = 3")});
  EXPECT_EQ(Finish(), std::nullopt);
  EXPECT_EQ(max_peers_, 3U);
}

TEST_F(ConfigTest, TheFileMayBeNamedByTheEnvironment) {
  environment_ = {{"JITWG_CONFIG", File("max-peers = 9")}};
  Parse({});
  EXPECT_EQ(Finish(), std::nullopt) << err_.str();
  EXPECT_EQ(max_peers_, 9U);
}

TEST_F(ConfigTest, ListsRepeatOrJoinByCommasAsFlags) {
  Parse({"--interface", "wg0", "--interface=wg1,wg2", "--allow", "wg0=10.8.0.0/16", "--allow",
         "wg0=fd08::/64"});
  EXPECT_EQ(Finish(), std::nullopt) << err_.str();
  EXPECT_THAT(interfaces_, ElementsAre("wg0", "wg1", "wg2"));
  ASSERT_EQ(allow_.size(), 2U);
  EXPECT_EQ(allow_[1].prefix.ToString(), "fd08::/64");
}

TEST_F(ConfigTest, ListsWorkInEnvironmentAndFile) {
  environment_ = {{"JITWG_INTERFACE", "wg0, wg1"}};
  Parse({"--config", File("allow = [\n \"wg0=10.8.0.0/16\", # one\n \"wg1=10.9.0.0/16\",\n]\n")});
  EXPECT_EQ(Finish(), std::nullopt) << err_.str();
  EXPECT_THAT(interfaces_, ElementsAre("wg0", "wg1"));
  EXPECT_EQ(allow_.size(), 2U);
}

TEST_F(ConfigTest, AListIsTakenWholeFromTheStrongestPlace) {
  interfaces_ = {"default0"};
  environment_ = {{"JITWG_INTERFACE", "wg1,wg2"}};
  Parse({"--config", File("interface = [\"wg3\"]"), "--interface", "wg0"});
  EXPECT_EQ(Finish(), std::nullopt);
  EXPECT_THAT(interfaces_, ElementsAre("wg0"));
}

TEST_F(ConfigTest, ASwitchCanBeTurnedOff) {
  environment_ = {{"JITWG_LOG_JSON", "true"}};
  Parse({"--log-json=false"});
  EXPECT_EQ(Finish(), std::nullopt);
  EXPECT_FALSE(json_);
}

TEST_F(ConfigTest, EveryFaultIsNamedAtOnceWithItsPlace) {
  environment_ = {{"JITWG_EVICT_INTERVAL", "10x"}, {"JITWG_PEER", "shortkey"}};
  const std::string path = File(
      "max_peers = 3\nbackend = \"quantum\"\nsocket-mode = 432\nallow = [\"wg0=10.0.0.1/8\"]\n");
  Parse({"--config", path, "--intreface", "wg0", "--max-peers", "1001"});
  parser_.AddFault("interface", "must be given with --allow");
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(out_.str(), "");
  for (const std::string& expected :
       {std::string("'--intreface'; did you mean '--interface'?"),
        std::string("--max-peers: '1001' is no whole number 1..1000"),
        std::string("--evict-interval (environment JITWG_EVICT_INTERVAL): '10x' is no duration"),
        std::string("--peer (environment JITWG_PEER): 'shortkey' is no public key"),
        path + " line 1: unknown key 'max_peers'; did you mean 'max-peers'?",
        "--backend (" + path + " line 2): 'quantum' is none of auto, kernel",
        "--socket-mode (" + path + " line 3): a file mode is written as a string",
        "--allow (" + path + " line 4): '10.0.0.1/8' has bits behind its prefix",
        std::string("--interface: must be given with --allow")}) {
    EXPECT_THAT(err_.str(), HasSubstr("tester: ")) << expected;
    EXPECT_THAT(err_.str(), HasSubstr(expected));
  }
  EXPECT_EQ(parser_.faults().size(), 9U) << err_.str();
}

TEST_F(ConfigTest, EachBadItemOfAListIsNamed) {
  Parse({"--allow", "wg0=x,wg1=10.0.0.0/8", "--allow", "wg2"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(parser_.faults().size(), 2U);
  EXPECT_TRUE(parser_.HasFault("allow"));
}

TEST_F(ConfigTest, MissingValuesStrayWordsAndRepeatsAreFaults) {
  Parse({"--backend", "--max-peers", "1", "--max-peers", "2", "word", "--log-json=maybe"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--backend: needs a value"));
  EXPECT_THAT(err_.str(), HasSubstr("--max-peers: takes one value, not 2"));
  EXPECT_THAT(err_.str(), HasSubstr("unexpected argument 'word'"));
  EXPECT_THAT(err_.str(), HasSubstr("--log-json: 'maybe' is neither true nor false"));
  EXPECT_EQ(parser_.faults().size(), 4U);
}

TEST_F(ConfigTest, ValuesOutOfRangeAreFaultsAndLeaveTheDefault) {
  Parse({"--evict-interval", "25h", "--max-peers", "0"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("'25h' is not within 1s..24h"));
  EXPECT_EQ(interval_, 10s);
  EXPECT_EQ(max_peers_, 100U);
}

TEST_F(ConfigTest, AFileThatIsNoTomlNamesTheLine) {
  Parse({"--config", File("max-peers = 1\nthis is no toml\n")});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("is no TOML at line 2"));
  EXPECT_EQ(parser_.faults().size(), 1U);
}

TEST_F(ConfigTest, TablesAndOddValuesInTheFileAreFaults) {
  Parse({"--config",
         File("max-peers = 1.5\nbackend = {a = 1}\nlog-json = 12:00:00\ninterface = [[\"a\"]]\n"
              "check-config = true\n[table]\nx = 1\n")});
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(parser_.faults().size(), 6U) << err_.str();
}

TEST_F(ConfigTest, AMissingFileIsOneFault) {
  parser_.Add("needed", &backend_, "needed").Required();
  Parse({"--config", directory_ + "/none.toml"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("none.toml: No such file or directory"));
  EXPECT_EQ(parser_.faults().size(), 1U);
}

TEST_F(ConfigTest, RequiredOptionsMustBeGivenSomewhereAndNotBeEmpty) {
  std::vector<std::string> list;
  std::string text;
  parser_.Add("needed-list", &list, "needed").Required();
  parser_.Add("needed-text", &text, "needed").Required();
  Parse({"--config", File("needed-list = []")});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(err_.str(), HasSubstr("--needed-list"));
  EXPECT_THAT(err_.str(), HasSubstr("--needed-text is missing; give --needed-text"));
  EXPECT_EQ(parser_.faults().size(), 2U);
}

TEST_F(ConfigTest, CheckConfigSaysWhetherAllIsWell) {
  Parse({"--check-config", "--interface", "wg0"});
  EXPECT_EQ(Finish(), 0);
  EXPECT_EQ(out_.str(), "configuration is valid\n");
}

TEST_F(ConfigTest, CheckConfigFailsOnAFault) {
  Parse({"--check-config", "--max-peers", "none"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ConfigTest, HelpShowsNamesDefaultsAndExamplesWhateverElseIsWrong) {
  parser_.Examples("  tester --interface wg0\n");
  Parse({"--help", "--nonsense"});
  EXPECT_EQ(Finish(), 0);
  EXPECT_EQ(err_.str(), "");
  for (const char* expected :
       {"Tests.", "--evict-interval DURATION", "[default: 10s]", "[default: 0600]",
        "which: auto, kernel", "JITWG_INTERFACE", "  tester --interface wg0\n", "--check-config"}) {
    EXPECT_THAT(out_.str(), HasSubstr(expected));
  }
}

TEST_F(ConfigTest, VersionIsOneLine) {
  Parse({"--version"});
  EXPECT_EQ(Finish(), 0);
  EXPECT_THAT(out_.str(), testing::MatchesRegex("tester [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(ConfigTest, PositionalsAreTakenInOrderAndTooManyAreFaults) {
  std::string first;
  std::string second;
  parser_.AddPositional("file", &first, "a file").Required();
  parser_.AddPositional("other", &second, "another");
  Parse({"a.pcap", "--log-json", "--", "-b", "c"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(first, "a.pcap");
  EXPECT_EQ(second, "-b");
  EXPECT_TRUE(json_);
  EXPECT_THAT(err_.str(), HasSubstr("unexpected argument 'c'"));
}

TEST_F(ConfigTest, AMissingPositionalIsNamed) {
  std::string file;
  parser_.AddPositional("file", &file, "a file").Required();
  Parse({});
  EXPECT_EQ(Finish(), 2);
  EXPECT_EQ(err_.str(), "tester: FILE is missing\n");
}

}  // namespace
}  // namespace jitwg
