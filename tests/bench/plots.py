"""What is drawn of each benchmark: from its JSON file to plots as report.py takes them. Pure."""

from report import bars, curves


def unwrap(found):
    return [bars("One initiation", "microseconds of CPU",
                 [(name.replace("_", "\n", 1), found["median"][name] / 1000) for name in
                  ("mac1_reject", "identity", "authenticated_unwrap", "raw_x25519", "wireguard_go", "wireguard_go_x25519")
                  if name in found["median"]])]


def flood(found):
    def name(row):
        return f"{row['kind']}\n{row['rate'] or 'no flood'}"

    def clients(which, title):
        return bars(title, "of 100 clients", [(name(row), 100 * row["clients"][which] / max(1, row["clients"]["visits"]))
                                              for row in found["floods"]])
    rows = [row for row in found["floods"] if row["sent"]]
    return [bars("Flood: packets per second, none lost unless said", "packets/s",
                 [(f"{row['kind']}\nlost {row['kernel_dropped']}", row["sent"] / row["seconds"]) for row in rows]),
            bars("Flood: the sniffer's CPU for a packet", "microseconds", [(name(row), row["cpu_us"]) for row in rows]),
            clients("at_first", "Good clients that were in at their first packet"),
            clients("at_retry", "Good clients that were in at one retry"),
            clients("outside", "Good clients that were not in by then")]


def tap(found):
    def extra(subject, direction):
        return next(row["extra_wall_ns"] for row in found["rows"]
                    if (row["subject"], row["direction"], row["family"]) == (subject, direction, found["rows"][0]["family"]))
    subjects = ("one_line_any", "ours_any", "nothing_any")
    return [bars(f"What a tap adds to a data packet, {direction}", "nanoseconds of CPU",
                 [(subject.removesuffix("_any").replace("_", " "), max(0.0, extra(subject, direction))) for subject in subjects],
                 [("goal: half of the one line", extra("one_line_any", direction) / 2)])
            for direction in ("one each way", "incoming", "outgoing")]


def registry(found):
    return [bars(f"A look-up among {found['rows']:,} peers", "microseconds",
                 [(name, row["us_each"]) for name, row in found["registries"].items()])]


def ws(found):
    return [bars("One connection through the ingress, beside a bare TLS relay", "ratio to the relay",
                 [(name.replace("_", "\n"), ratio) for name, ratio in found["throughput"]["ratios"].items()],
                 [("the relay", 1.0)])]


def completion(found):
    from completion_report import rows
    measured = [row for row in rows(found) if row["reply_median_ms"] is not None and row["strategy"] != "retry"]
    return [bars(f"First reply, {delay} ms one way", "milliseconds, median",
                 [(row["strategy"].replace("-", "\n"), row["reply_median_ms"]) for row in measured if row["one_way_ms"] == delay])
            for delay in sorted({row["one_way_ms"] for row in measured})]


def latency(found):
    plots = []
    for place, stages in found["registries"].items():
        plots.append(bars(f"Packet to installed, {place}: median of each stage", "microseconds",
                          [(row["stage"].replace(" ", "\n"), row["p50_us"]) for row in stages["stages"]]))
        plots.append(bars(f"Packet to installed, {place}: beside the floor", "microseconds",
                          [("floor", stages["floor"]["p50_us"]), ("installed", stages["installed"]["p50_us"]),
                           ("answered", stages["answered"]["p50_us"])],
                          [("goal: 1.5 floors", 1.5 * stages["floor"]["p50_us"])]))
    return plots


def admit(found):
    names = list(dict.fromkeys(row["registry"] for row in found["rows"]))
    limit = sum(row["crypto_limit_per_s"] for row in found["rows"]) / len(found["rows"])
    series = [(name, [(row["workers"], row["admitted_per_s"]) for row in found["rows"] if row["registry"] == name])
              for name in names]
    return [curves("Admissions, whole path", "workers of the sniffer", "a second", series,
                   [("crypto limit, all processors", limit), ("goal", limit / 2)])]


def storm(found):
    plots = []
    for run in found["storms"]:
        plots.append(curves(f"{run['clients']:,} clients coming back within {run['within_s']:g} s", "seconds", "clients that are in",
                            [("in", run["curve"])], [("all", run["clients"])]))
    return plots


def memory(found):
    return [curves("Memory by live peers", "live peers", "MiB resident",
                   [(name, [(row["live"], row[name] / 1024) for row in found["rows"] if row["registered"] == registered])
                    for registered in [max(row["registered"] for row in found["rows"])]
                    for name in ("sniffer_kib", "provisioner_kib")],
                   [("goal, sniffer", 30), ("goal, provisioner", 60)])]


def reboot(found):
    def series(column, factor=1.0):
        return [(way, [(row["registered"], row[column] * factor) for row in found["rows"] if row["way"] == way])
                for way in ("push", "jitwg")]
    return [curves("From the gateway's start until the middle client of the list is served", "registered peers", "seconds",
                   series("middle_s"), log_x=True),
            curves("Kernel memory", "registered peers", "MiB", series("kernel_kib", 1 / 1024), log_x=True),
            curves("One list of the kernel's peers", "registered peers", "milliseconds", series("dump_ms"), log_x=True)]


def stale(found):
    samples, live, marks = found["samples"], found["live"], [(name, at) for at, name in found["events"]]
    low = [(at, peers) for at, peers in samples if peers <= 3 * live]
    plots = [curves("Peers in the kernel", "seconds", "peers", [("peers in the kernel", samples)], marks=marks)]
    if low:
        plots.append(curves("The same, its end", "seconds", "peers", [("peers in the kernel", low)], [("live clients", live)]))
    return plots


OF = {name: value for name, value in globals().items() if callable(value) and name not in ("bars", "curves")}
