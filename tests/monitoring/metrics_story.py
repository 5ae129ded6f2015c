"""The numbers of real programs: well-formed, documented one by one, without keys; and a real Prometheus that scrapes them,
evaluates every rule, and answers every query of the dashboard."""

import json
import os
import re
import urllib.parse

from observed import GATEWAY, HOSTILE_NAME, PORTS, ROOT, Program, fetch, run, scrape, value, wait_until

PROMETHEUS = "http://127.0.0.1:9090"
NAME = re.compile(r"(?<![\w:])(?:jitwg|process)_[a-z_]+(?![\w:])")
# Only where somebody asked for it: --outbound.
OPTIONAL = {"jitwg_sniffer_outbound_packets_total"}


def check_numbers(there, folder):
    """Every program's numbers by themselves."""
    names = set()
    for program in PORTS:
        text = scrape(program)
        with open(os.path.join(folder, program + ".metrics"), "w", encoding="utf-8") as file:
            file.write(text)
        done = run("promtool", "check", "metrics", stdin=text, check=False)
        assert done.returncode == 0 and not done.stderr.strip(), f"{program}: {done.stdout}{done.stderr}"
        for secret in (there.client.keys.public, there.stranger.keys.public, "laptop"):
            assert secret not in text, f"{program} tells of {secret}"
        names |= set(re.findall(r"^# TYPE (\S+)", text, re.M))
    sniffer, provisioner = scrape("jitwg-sniffer"), scrape("jitwg-provisioner")
    assert value(sniffer, 'jitwg_sniffer_peer_changes_total{outcome="installed"}') == 1
    assert value(sniffer, "jitwg_sniffer_packet_to_installed_seconds_count") == 1
    assert value(sniffer, "jitwg_sniffer_unwrap_seconds_count") >= 2
    assert value(sniffer, 'jitwg_sniffer_interface_up{interface="wg0"}') == 1
    assert value(provisioner, 'jitwg_provisioner_decisions_total{verdict="installed"}') == 1
    assert value(provisioner, 'jitwg_provisioner_lookup_seconds_count{source="sqlite"}') >= 2
    assert value(provisioner, 'jitwg_provisioner_registry_healthy{kind="sqlite"}') == 1
    assert value(provisioner, "jitwg_provisioner_sniffer_connected") == 1
    assert value(scrape("jitwg-peer-api"), 'jitwg_peer_api_callers_refused_total{reason="token"}') == 1
    return names


def check_documented(names):
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        documented = set(re.findall(r"^\| `((?:jitwg|process)_[a-z_]+)`", file.read(), re.M))
    assert names <= documented, f"not in docs/metrics.md: {sorted(names - documented)}"
    assert documented - OPTIONAL <= names, f"only in docs/metrics.md: {sorted(documented - OPTIONAL - names)}"


def queries():
    """All that dashboard and rules ask, by where it stands."""
    with open(os.path.join(ROOT, "ops", "grafana", "jitwg.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    first = dashboard["panels"][0]
    assert "Stale peers" in first["title"] and 'state="stale"' in first["targets"][0]["expr"], "the first panel"
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "1m").replace("$gateway", ".*")
            assert "$" not in expression, f"a variable that is not known: {expression}"
            yield "panel " + panel["title"], expression


def ask(path, **parameters):
    status, _, text = fetch(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    answer = json.loads(text)
    assert status == 200 and answer["status"] == "success", f"{path} {parameters}: {text}"
    return answer["data"]


def write_config(folder):
    """The example itself, in more of a hurry."""
    with open(os.path.join(ROOT, "ops", "prometheus", "prometheus.yml"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"interval: 15s", "interval: 1s", text)
    for name in ("recording.yml", "alerts.yml"):
        text = text.replace(f"- {name}", f"- {ROOT}/ops/prometheus/{name}")
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def rules():
    return [rule for group in ask("rules")["groups"] for rule in group["rules"]]


def pending(alert, **labels):
    return any(one["labels"].items() >= {"alertname": alert, **labels}.items() for one in ask("alerts")["alerts"])


def check_prometheus(there):
    def scraped():
        try:
            targets = ask("targets")["activeTargets"]
        except OSError:
            return False
        return len(targets) == len(PORTS) and all(target["health"] == "up" for target in targets)
    wait_until(scraped, 60, "Prometheus scrapes all programs", interval=0.5)
    wait_until(lambda: ask("query", query="count_over_time(jitwg_build_info[1m]) > 3")["result"], 30, "four scrapes", 0.5)
    wait_until(lambda: all(rule["health"] == "ok" for rule in rules()), 30, "every rule was evaluated", 0.5)
    expressions = list(queries())
    for where, expression in expressions:
        # Those that show only what is above something may have nothing to show.
        if not ask("query", query=expression)["result"] and "> 0" not in expression:
            raise AssertionError(f"{where}: nothing comes of {expression}")
    expressions += [(rule["name"], rule["query"]) for rule in rules()]
    for where, expression in expressions:
        for name in NAME.findall(expression):
            assert ask("series", **{"match[]": name}), f"{where}: there is no {name}"
    recorded = [rule for rule in rules() if rule["type"] == "recording"]
    assert recorded and len(rules()) > len(recorded)
    for rule in recorded:
        assert ask("query", query=rule["name"])["result"], f"nothing was recorded as {rule['name']}"
    assert not pending("JitwgProgramDown")
    there.jitwg.provisioner.stop()
    wait_until(lambda: pending("JitwgProgramDown", job="jitwg-provisioner"), 30, "the alert for a program that ended", 0.5)
    return len(expressions)


def tell(there, folder):
    """The whole story."""
    assert HOSTILE_NAME  # it is in the registry: no number may carry it
    names = check_numbers(there, folder)
    check_documented(names)
    data = os.path.join(folder, "prometheus")
    prometheus = Program("prometheus", ["ip", "netns", "exec", GATEWAY, "prometheus", "--config.file", write_config(folder),
                                        "--storage.tsdb.path", data, "--web.listen-address", "127.0.0.1:9090"],
                         os.path.join(folder, "prometheus.log"))
    prometheus.start()
    try:
        asked = check_prometheus(there)
    finally:
        prometheus.stop()
    print(f"{len(names)} metrics, {asked} queries of rules and dashboard")
