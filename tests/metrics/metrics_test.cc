#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <thread>
#include <vector>

#include "lib/base/histogram.h"
#include "lib/metrics/exposition.h"
#include "lib/metrics/metrics_server.h"
#include "tests/http/raw_client.h"

namespace jitwg::metrics {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(LatencyHistogram, ABoundBelongsToItsBucketAndWhatIsLongerToTheNext) {
  LatencyHistogram histogram;
  histogram.Observe(microseconds(25));
  histogram.Observe(std::chrono::nanoseconds(25'001));
  histogram.Observe(seconds(3600));
  histogram.Observe(microseconds(-5));
  const auto buckets = histogram.Buckets();
  EXPECT_EQ(buckets[0], 2U);
  EXPECT_EQ(buckets[1], 1U);
  EXPECT_EQ(buckets[LatencyHistogram::kBuckets - 1], 1U);
  EXPECT_EQ(histogram.Sum(), seconds(3600) + std::chrono::nanoseconds(50'001));
}

TEST(LatencyHistogram, BoundsGoUp) {
  for (std::size_t i = 1; i < LatencyHistogram::kBounds.size(); ++i) {
    EXPECT_LT(LatencyHistogram::kBounds[i - 1], LatencyHistogram::kBounds[i]);
  }
}

TEST(LatencyHistogram, LosesNothingWhenManyThreadsCount) {
  LatencyHistogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&histogram] {
      for (int n = 0; n < 5000; ++n) histogram.Observe(microseconds(n));
    });
  }
  for (auto& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (const auto count : histogram.Buckets()) sum += count;
  EXPECT_EQ(sum, 20'000U);
  EXPECT_EQ(histogram.Sum(), microseconds(4 * (4999 * 5000 / 2)));
}

TEST(Exposition, WritesAFamilyOnceAndItsHistogramCumulatively) {
  LatencyHistogram histogram;
  histogram.Observe(microseconds(10));
  histogram.Observe(std::chrono::milliseconds(3));
  Exposition out;
  out.Counter("x_total", "Things.", {{"reason", "a"}}, std::uint64_t{7});
  out.Counter("x_total", "Things.", {{"reason", "b"}}, std::uint64_t{8});
  out.Histogram("y_seconds", "Times.", {}, histogram);
  const std::string text = out.Text();
  EXPECT_THAT(text, HasSubstr("# TYPE x_total counter\nx_total{reason=\"a\"} 7\n"));
  EXPECT_EQ(text.find("# HELP x_total"), text.rfind("# HELP x_total"));
  EXPECT_THAT(text, HasSubstr("y_seconds_bucket{le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("y_seconds_bucket{le=\"0.005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("y_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("y_seconds_count 2\n"));
}

TEST(Exposition, EscapesWhatALabelHolds) {
  Exposition out;
  out.Gauge("x", "X.", {{"interface", "a\"b\\c\nd"}}, 1);
  EXPECT_THAT(out.Text(), HasSubstr(R"(x{interface="a\"b\\c\nd"} 1)"));
}

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() {
    MetricsOptions options;
    options.listen = Endpoint{*IpAddress::Parse("127.0.0.1"), 0, 0};
    server_ = std::move(*MetricsServer::Start(
        options, {.metrics = [](Exposition& out) { out.Gauge("a", "A.", {}, 1); },
                  .pages = {{"/", [] { return http::Response(200, "text/html", "page"); }}}}));
  }
  std::string Ask(const std::string& request) const {
    http::RawClient client(server_->listening().port);
    client.Send(request);
    return client.ReadAll();
  }

  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, ServesNumbersAndPages) {
  EXPECT_THAT(Ask("GET /metrics HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("# TYPE a gauge\na 1\n")));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: 127.0.0.1:9\r\nConnection: close\r\n\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("page")));
  EXPECT_THAT(Ask("GET /?x HTTP/1.1\r\nHost: [::1]:9\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(MetricsServerTest, RefusesWhatIsNoReading) {
  EXPECT_THAT(Ask("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("DELETE /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(MetricsServerTest, ShowsPagesToNobodyWhoCameByAnotherName) {
  for (const char* const host :
       {"evil.example", "evil.example:9587", "127.0.0.1.evil.example", "[x"}) {
    const std::string answer =
        Ask("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 421")) << host;
    EXPECT_THAT(answer, Not(HasSubstr("page"))) << host;
  }
}

std::string FaultsOf(const std::vector<std::string>& arguments) {
  MetricsOptions options;
  ConfigParser parser("x", "X.", ConfigParser::File::kNone);
  AddMetricsOptions(parser, options);
  parser.Parse(arguments, [](const std::string&) { return std::nullopt; });
  CheckMetricsOptions(parser, options);
  std::ostringstream out;
  std::ostringstream err;
  (void)parser.Finish(out, err);
  return err.str();
}

TEST(MetricsOptions, WantALoopbackAddressOrTheOperatorsWord) {
  EXPECT_EQ(FaultsOf({}), "");
  EXPECT_EQ(FaultsOf({"--metrics-listen", "127.0.0.1:9586"}), "");
  EXPECT_EQ(FaultsOf({"--metrics-listen", "[::1]:9586"}), "");
  EXPECT_THAT(FaultsOf({"--metrics-listen", "0.0.0.0:9586"}), HasSubstr("--metrics-allow-remote"));
  EXPECT_EQ(FaultsOf({"--metrics-listen", "0.0.0.0:9586", "--metrics-allow-remote"}), "");
  for (const char* const text :
       {"9586", "localhost:9586", "::1:9586", "127.0.0.1:", "[127.0.0.1]:1"}) {
    EXPECT_THAT(FaultsOf({"--metrics-listen", text}), HasSubstr("is no address and port")) << text;
  }
}

}  // namespace
}  // namespace jitwg::metrics
