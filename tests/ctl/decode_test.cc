#include "ctl/decode.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "lib/base/key.h"
#include "lib/base/tai64n.h"
#include "tests/support/capture_file.h"
#include "tests/support/frames.h"
#include "tests/support/initiator.h"

namespace jitwg::ctl {
namespace {

using nlohmann::json;
using test::BuildFrame;
using test::ByteVector;
using test::CaptureBytes;
using test::TemporaryFile;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;

  std::vector<json> Rows() const {
    std::vector<json> rows;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
    return rows;
  }
};

class DecodeTest : public testing::Test {
 protected:
  Outcome Decode(const CaptureBytes& capture, bool as_json = true) {
    CaptureBytes copy = capture;
    const TemporaryFile file(copy.bytes());
    return Decode(file.path(), as_json);
  }
  Outcome Decode(const std::string& path, bool as_json = true) {
    std::ostringstream out;
    std::ostringstream err;
    Outcome outcome;
    outcome.exit_code =
        RunDecode({.file = path, .private_key_file = key_file_.path(), .json = as_json}, out, err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }

  const PrivateKey gateway_ = test::KeyFromSeed(1);
  const PublicKey gateway_public_ = DerivePublicKey(gateway_);
  const TemporaryFile key_file_{SecretToBase64(gateway_) + "\n"};
  test::Initiator client_{2, gateway_public_};
  const Tai64n stamp_ = Tai64n::FromUnix(1700000123, 456000000);
};

TEST_F(DecodeTest, ShowsAnAuthenticInitiation) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({}, client_.Initiate(stamp_)), 1700000000, 123456789);
  const Outcome outcome = Decode(capture);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_EQ(outcome.Rows().size(), 1U) << outcome.out;
  const json row = outcome.Rows()[0];
  EXPECT_EQ(row["frame"], 1);
  EXPECT_EQ(row["time"], "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(row["source"], "192.0.2.7:40000");
  EXPECT_EQ(row["destination"], "198.51.100.1:51820");
  EXPECT_EQ(row["verdict"], "authentic");
  EXPECT_EQ(row["public_key"], client_.public_key().ToBase64());
  EXPECT_EQ(row["timestamp"], stamp_.ToUtc());
  EXPECT_EQ(row["tai64n"], ToHex(stamp_.bytes));
  EXPECT_EQ(row["sender_index"], client_.sender_index());
}

TEST_F(DecodeTest, TextHasTheSameFactsOnOneLine) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({.source = "2001:db8::7", .destination = "2001:db8::1"},
                         client_.Initiate(stamp_)));
  const Outcome outcome = Decode(capture, /*as_json=*/false);
  EXPECT_EQ(outcome.exit_code, 0);
  for (const std::string& part :
       {std::string("2023-11-14T22:13:20.123456789Z"), std::string("[2001:db8::7]:40000"),
        std::string("[2001:db8::1]:51820"), client_.public_key().ToBase64(), stamp_.ToUtc(),
        std::string("authentic\n")}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in " << outcome.out;
  }
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
}

TEST_F(DecodeTest, NamesTheReasonOfARefusalAndNoKeyAsProved) {
  CaptureBytes capture(1);
  test::Initiator to_another(2, DerivePublicKey(test::KeyFromSeed(77)));
  capture.Add(BuildFrame({}, to_another.Initiate(stamp_)));
  const PublicKey victim = DerivePublicKey(test::KeyFromSeed(5));
  capture.Add(BuildFrame({}, client_.Forge(victim, stamp_)));
  auto damaged = client_.Initiate(stamp_);
  damaged[50] ^= 1;
  test::RecomputeMac1(damaged, gateway_public_);
  capture.Add(BuildFrame({}, damaged));
  const Outcome outcome = Decode(capture);
  EXPECT_EQ(outcome.exit_code, 0);
  const auto rows = outcome.Rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]["verdict"], "bad_mac1");
  EXPECT_EQ(rows[1]["verdict"], "bad_timestamp");
  EXPECT_EQ(rows[1]["claimed_public_key"], victim.ToBase64());
  EXPECT_EQ(rows[2]["verdict"], "bad_static");
  for (const json& row : rows) {
    EXPECT_FALSE(row.contains("public_key"));
    EXPECT_FALSE(row.contains("timestamp"));
  }
  EXPECT_NE(outcome.err.find("3 initiations (0 authentic, 3 refused"), std::string::npos)
      << outcome.err;
}

TEST_F(DecodeTest, CountsOtherPacketsInTheSummaryOnly) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({}, ByteVector(1420, 4)));
  auto reserved = client_.Initiate(stamp_);
  reserved[2] = 1;
  capture.Add(BuildFrame({}, reserved));
  capture.Add(BuildFrame({.fragment_field = 0x2000}, client_.Initiate(stamp_)));
  capture.Add(ByteVector{1, 2, 3});
  capture.Add(BuildFrame({}, client_.Initiate(stamp_)));
  const Outcome outcome = Decode(capture);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_EQ(outcome.Rows().size(), 1U);
  EXPECT_EQ(outcome.Rows()[0]["frame"], 5);
  EXPECT_NE(outcome.err.find("5 packets: 1 initiations (1 authentic, 0 refused), 2 other "
                             "datagrams, 2 not decodable: fragment=1 truncated=1"),
            std::string::npos)
      << outcome.err;
}

TEST_F(DecodeTest, ReadsACaptureMadeBeforeTheHardwareFilledInChecksums) {
  ByteVector frame = BuildFrame({}, client_.Initiate(stamp_));
  frame[24] = frame[25] = 0;  // the IPv4 header checksum
  CaptureBytes capture(1);
  capture.Add(frame);
  EXPECT_EQ(Decode(capture).Rows().size(), 1U);
}

TEST_F(DecodeTest, ShowsOutgoingInitiationsOfACookedCapture) {
  CaptureBytes capture(276);
  capture.Add(BuildFrame({.link_type = sniffer::LinkType::kLinuxSll2, .sll_packet_type = 4},
                         client_.Initiate(stamp_)));
  EXPECT_EQ(Decode(capture).Rows().size(), 1U);
}

TEST_F(DecodeTest, PrintsWhatWasReadableOfACutFileThenTheError) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({}, client_.Initiate(stamp_)));
  capture.Add(BuildFrame({}, client_.Initiate(stamp_)));
  capture.bytes().pop_back();
  const Outcome outcome = Decode(capture);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.Rows().size(), 1U);
  EXPECT_NE(outcome.err.find("jitwgctl decode: "), std::string::npos);
}

TEST_F(DecodeTest, FailsOnAFileThatIsEmptyOrNotThere) {
  const TemporaryFile empty(std::string_view{});
  for (const std::string& path : {empty.path(), std::string("/nonexistent/file")}) {
    const Outcome outcome = Decode(path);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_TRUE(outcome.out.empty());
    EXPECT_NE(outcome.err.find(path), std::string::npos) << outcome.err;
  }
}

TEST_F(DecodeTest, FailsOnAKeyThatIsNoKeyWithoutRepeatingIt) {
  const TemporaryFile bad_key("SEKRITSEKRITSEKRIT\n");
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunDecode({.file = "-", .private_key_file = bad_key.path()}, out, err), 1);
  EXPECT_EQ(err.str().find("SEKRIT"), std::string::npos);
  EXPECT_EQ(RunDecode({.file = "-", .private_key_file = "/nonexistent/key"}, out, err), 1);
  EXPECT_NE(err.str().find("/nonexistent/key"), std::string::npos);
}

TEST_F(DecodeTest, FailsWhenTheOutputTakesNothing) {
  CaptureBytes capture(1);
  capture.Add(BuildFrame({}, client_.Initiate(stamp_)));
  const TemporaryFile file(capture.bytes());
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  std::ostringstream err;
  EXPECT_EQ(RunDecode({.file = file.path(), .private_key_file = key_file_.path()}, out, err), 1);
}

}  // namespace
}  // namespace jitwg::ctl
