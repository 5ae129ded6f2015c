#include "provisioner/status_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <initializer_list>

#include "provisioner/status_chart.h"

namespace jitwg::provisioner {
namespace {

std::string UtcText(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(
                         std::chrono::time_point_cast<std::chrono::system_clock::duration>(time))));
}

std::string Milliseconds(std::chrono::microseconds time) {
  return fmt::format("{:.2f} ms", static_cast<double>(time.count()) / 1000);
}

std::string Cell(std::string_view text) { return "<td>" + EscapeHtml(text) + "</td>"; }

std::string NumberCell(std::uint64_t number) {
  return fmt::format("<td class=\"n\">{}</td>", number);
}

std::string Section(std::string_view id, std::string_view title, const std::string& inside) {
  return fmt::format("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", id, title, inside);
}

// Of the heads those that begin with '#' stand above numbers.
std::string Table(std::initializer_list<std::string_view> heads, const std::string& rows,
                  std::string_view none) {
  if (rows.empty()) return fmt::format("<p class=\"none\">{}</p>\n", none);
  std::string head;
  for (const std::string_view name : heads) {
    head += name.starts_with('#') ? fmt::format("<th class=\"n\">{}</th>", name.substr(1))
                                  : fmt::format("<th>{}</th>", name);
  }
  return fmt::format("<table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table>\n", head, rows);
}

std::string Parts(const StatusView& view) {
  std::string rows;
  for (const PartHealth& part : view.parts) {
    rows += fmt::format("<tr><td class=\"{0}\">{0}</td>", part.well ? "well" : "unwell") +
            Cell(part.name) + Cell(part.detail) + "</tr>\n";
  }
  return Section("parts", "Health", Table({"", "Part", ""}, rows, "Nothing."));
}

std::string Interfaces(const StatusView& view) {
  std::string rows;
  for (const InterfaceRow& row : view.interfaces) {
    std::string prefixes;
    for (const IpPrefix& prefix : row.prefixes) prefixes += prefix.ToString() + " ";
    rows += "<tr>" + Cell(row.name) + Cell(prefixes) + NumberCell(row.counts.live) +
            NumberCell(row.counts.unfinished) + NumberCell(row.counts.stale) +
            NumberCell(row.counts.pinned) + NumberCell(row.counts.foreign) +
            NumberCell(row.max_peers) + "</tr>\n";
  }
  return Section("interfaces", "Serves",
                 Table({"Interface", "Peers' addresses", "#Live", "#Unfinished", "#Stale",
                        "#Pinned", "#Foreign", "#At most"},
                       rows, "No interface is known: is the sniffer there?"));
}

std::string Peers(const StatusView& view) {
  return Section("peers",
                 "Kernel peers: <span class=\"live\">live</span> and "
                 "<span class=\"stale\">stale</span>",
                 DrawChart(view.history));
}

std::string Latencies(const StatusView& view) {
  std::string rows;
  for (const Latency& latency : view.latencies) {
    rows += "<tr>" + Cell(latency.what) + NumberCell(latency.count);
    for (const auto time : {latency.p50, latency.p90, latency.p99}) {
      rows += latency.count == 0 ? "<td class=\"n\">-</td>"
                                 : "<td class=\"n\">" + Milliseconds(time) + "</td>";
    }
    rows += "</tr>\n";
  }
  return Section("latency", "Latency",
                 Table({"", "#Of", "#p50", "#p90", "#p99"}, rows, "Nothing yet."));
}

std::string Counts(std::string_view id, std::string_view title,
                   const std::map<std::string, std::uint64_t>& counts) {
  std::string rows;
  for (const auto& [name, count] : counts) {
    if (count != 0) rows += "<tr>" + Cell(name) + NumberCell(count) + "</tr>\n";
  }
  return Section(id, title, Table({"Reason", "#Count"}, rows, "None yet."));
}

std::string DecisionRow(const Decision& decision) {
  const std::string key =
      decision.event.public_key.IsZero() ? std::string() : decision.event.public_key.ToBase64();
  const bool in = decision.verdict == Verdict::kInstalled ||
                  decision.verdict == Verdict::kUpdated ||
                  decision.verdict == Verdict::kAlreadyInstalled;
  const std::string where = decision.destination ? "to " + decision.destination->ToString()
                                                 : decision.event.source.ToString();
  return "<tr>" + Cell(UtcText(decision.decided_at).substr(11)) +
         fmt::format("<td class=\"{}\">{}</td>", in ? "well" : "unwell",
                     EscapeHtml(ToString(decision.verdict))) +
         Cell(decision.peer_name) + "<td class=\"key\">" + EscapeHtml(key) + "</td>" +
         "<td class=\"where\">" + EscapeHtml(where) + "</td>" + Cell(decision.event.interface) +
         Cell(decision.detail) + "</tr>\n";
}

std::string Recent(const StatusView& view) {
  std::string rows;
  for (const Decision& decision : view.recent) rows += DecisionRow(decision);
  return Section("recent", "Latest decisions",
                 Table({"Time (UTC)", "Verdict", "Peer", "Key", "From", "Interface", "Detail"},
                       rows, "Nobody has called yet."));
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        const auto byte = static_cast<unsigned char>(c);
        escaped += byte < 0x20 || byte == 0x7f ? '?' : c;
    }
  }
  return escaped;
}

std::string RenderStatusPage(const StatusView& view) {
  const std::string title = EscapeHtml(view.gateway.empty() ? "jitwg" : "jitwg: " + view.gateway);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n<title>" +
         title +
         "</title>\n<link rel=\"stylesheet\" href=\"/status.css\">\n"
         "<script src=\"/status.js\" defer></script>\n</head>\n<body>\n<header><h1>" +
         title + "</h1>\n<p id=\"state\" role=\"status\"></p></header>\n<main>\n" +
         Section(
             "about", "Provisioner",
             fmt::format("<p>Version {}, since {} UTC. As of {} UTC.</p>\n",
                         EscapeHtml(view.version), UtcText(view.started_at), UtcText(view.now))) +
         Parts(view) + Interfaces(view) + Peers(view) + Latencies(view) +
         Counts("decisions", "Decisions", view.decisions) +
         Counts("evictions", "Evictions", view.evictions) + Recent(view) +
         "</main>\n<footer><a href=\"/metrics\">/metrics</a></footer>\n</body>\n</html>\n";
}

std::string_view StatusPagePolicy() {
  return "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

std::string_view StatusStyle() {
  return R"css(:root { color-scheme: light dark; --ink: #1c2430; --soft: #667; --ground: #fbfbfa;
  --line: #d8dade; --live: #16794a; --stale: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #9aa3ae; --ground: #14181d;
  --line: #333a43; --live: #4cc38a; --stale: #ff9a5c; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 1120px; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1rem; margin: 0 0 .4rem; }
#state { margin: 0; color: var(--soft); }
#state.broken { color: var(--stale); font-weight: 600; }
main { display: grid; grid-template-columns: repeat(6, 1fr); gap: 1rem; margin-top: .6rem; }
section { grid-column: span 6; border-top: 1px solid var(--line); padding-top: .6rem;
  overflow-x: auto; }
#parts, #latency { grid-column: span 3; }
#latency { order: 1; } #interfaces { order: 2; } #peers { order: 3; }
#decisions, #evictions { grid-column: span 3; order: 4; } #recent { order: 5; }
@media (max-width: 760px) { main > section { grid-column: span 6; } }
section > p { margin: 0; } .none { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top; }
th { color: var(--soft); font-weight: 500; } td { overflow-wrap: anywhere; }
th.n, .n { text-align: right; } .where { white-space: nowrap; } .key { font-family: monospace; font-size: .85em; }
.well { color: var(--live); } .unwell { color: var(--stale); } td.well, td.unwell { font-weight: 600;
  overflow-wrap: normal; }
svg { width: 100%; height: auto; display: block; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
polyline.live { stroke: var(--live); } polyline.stale { stroke: var(--stale); }
span.live { color: var(--live); } span.stale { color: var(--stale); }
.grid { stroke: var(--line); } .axis { fill: var(--soft); font-size: 12px; }
.right { text-anchor: end; }
footer { margin-top: 1rem; } a { color: inherit; }
)css";
}

std::string_view StatusScript() {
  return R"js("use strict";
// Fetches the page again and takes over what changed; the server has escaped it already, and
// scripts in a parsed document never run.
const state = document.getElementById("state");
let wait = 2000;

function take(page) {
  for (const fresh of page.querySelectorAll("main > section")) {
    const shown = document.getElementById(fresh.id);
    if (shown && shown.innerHTML !== fresh.innerHTML) shown.replaceWith(document.adoptNode(fresh));
  }
}

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/", {cache: "no-store", signal: AbortSignal.timeout(5000)});
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      state.textContent = "live";
      state.className = "";
      wait = 2000;
    } catch (problem) {
      state.textContent = "no answer from the gateway: these numbers are old";
      state.className = "broken";
      wait = Math.min(wait * 2, 30000);
    }
  }
  setTimeout(refresh, wait);
}

refresh();
)js";
}

}  // namespace jitwg::provisioner
