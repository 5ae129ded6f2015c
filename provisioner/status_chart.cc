#include "provisioner/status_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace jitwg::provisioner {
namespace {

constexpr double kWidth = 880;
constexpr double kHeight = 200;
constexpr double kLeft = 56;
constexpr double kTop = 12;
constexpr double kBottom = 172;
constexpr double kRight = kWidth - 8;

// 1, 2 or 5 times a power of ten, at least `value`.
double RoundUp(double value) {
  double step = 1;
  for (;;) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (step * factor >= value) return step * factor;
    }
    step *= 10;
  }
}

struct Frame {
  WallTime first;
  double seconds = 1;
  double most = 1;
};

template <class Value>
std::string Line(const char* name, const std::vector<PeerCensus::Sample>& samples,
                 const Frame& frame, Value value) {
  std::string points;
  for (const auto& sample : samples) {
    const double age = std::chrono::duration<double>(sample.at - frame.first).count();
    const double x = kLeft + (kRight - kLeft) * age / frame.seconds;
    const double y =
        kBottom - (kBottom - kTop) * static_cast<double>(value(sample.counts)) / frame.most;
    points += fmt::format("{:.1f},{:.1f} ", x, y);
  }
  return fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", name, points);
}

std::string Grid(const Frame& frame) {
  std::string text;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = kBottom - (kBottom - kTop) * part;
    text +=
        fmt::format("<line class=\"grid\" x1=\"{0}\" y1=\"{2:.1f}\" x2=\"{1}\" y2=\"{2:.1f}\"/>\n",
                    kLeft, kRight, y);
    text += fmt::format("<text class=\"axis right\" x=\"{}\" y=\"{:.1f}\">{:g}</text>\n", kLeft - 6,
                        y + 4, frame.most * part);
  }
  const std::string ago = frame.seconds < 120 ? fmt::format("{:.0f} s", frame.seconds)
                                              : fmt::format("{:.0f} min", frame.seconds / 60);
  text += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\">{} ago</text>\n", kLeft, kHeight - 8,
                      ago);
  text +=
      fmt::format("<text class=\"axis right\" x=\"{}\" y=\"{}\">now</text>\n", kRight, kHeight - 8);
  return text;
}

}  // namespace

std::string DrawChart(const std::vector<PeerCensus::Sample>& samples) {
  if (samples.size() < 2) return "<p class=\"none\">Not counted twice yet.</p>\n";
  Frame frame;
  frame.first = samples.front().at;
  frame.seconds =
      std::max(1.0, std::chrono::duration<double>(samples.back().at - samples.front().at).count());
  std::size_t most = 1;
  for (const auto& sample : samples) {
    most = std::max({most, sample.counts.live, sample.counts.stale});
  }
  frame.most = RoundUp(static_cast<double>(most));
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"peers over time\">\n",
                     kWidth, kHeight) +
         Grid(frame) +
         Line("live", samples, frame, [](const PeerCounts& counts) { return counts.live; }) +
         Line("stale", samples, frame, [](const PeerCounts& counts) { return counts.stale; }) +
         "</svg>\n";
}

}  // namespace jitwg::provisioner
