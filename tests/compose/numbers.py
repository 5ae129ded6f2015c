"""Asks a Prometheus, until it says so or the time is over: are all of jitwg's programs up, are all rules loaded and
evaluated, does the gateway hold a live peer? Then looks at the status page. Nothing is changed."""

import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

JOBS = {"jitwg-sniffer", "jitwg-provisioner", "jitwg-ws-ingress", "jitwg-peer-api"}


def text(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def asked(prometheus, path, **words):
    answer = json.loads(text(f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(words)}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def written_rules(folder):
    names = set()
    for file in ("recording.yml", "alerts.yml"):
        with open(f"{folder}/{file}", encoding="utf-8") as source:
            names.update(re.findall(r"^ +- (?:alert|record): (\S+)$", source.read(), re.M))
    assert len(names) > 15, f"only {len(names)} rules were found in {folder}"
    return names


def check_targets(prometheus):
    targets = asked(prometheus, "targets", state="active")["activeTargets"]
    jobs = {target["labels"]["job"] for target in targets}
    assert jobs == JOBS, f"Prometheus asks {sorted(jobs)}"
    down = [f"{target['labels']['job']}: {target['lastError'] or target['health']}" for target in targets if target["health"] != "up"]
    assert not down, f"not up: {down}"
    up = {one["metric"]["job"]: one["value"][1] for one in asked(prometheus, "query", query="up")["result"]}
    assert up == dict.fromkeys(JOBS, "1"), f"up is {up}"


def check_rules(prometheus, wanted):
    rules = [rule for group in asked(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in rules} == wanted, f"loaded: {sorted(rule['name'] for rule in rules)}"
    ill = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
    assert not ill, f"not evaluated: {ill}"
    firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert not firing, f"firing: {firing}"


def check_peer(prometheus):
    live = asked(prometheus, "query", query='sum by (gateway) (jitwg_kernel_peers{state=~"live|unfinished"})')["result"]
    assert [(one["metric"], one["value"][1]) for one in live] == [({"gateway": "compose"}, "1")], f"peers: {live}"


def check_page(page):
    shown = text(f"{page}/")
    assert "compose-client" in shown, "the status page does not name the client"


def main():
    prometheus, page, folder, seconds = sys.argv[1:5]
    wanted = written_rules(folder)
    end = time.monotonic() + float(seconds)
    while True:
        try:
            check_targets(prometheus)
            check_rules(prometheus, wanted)
            check_peer(prometheus)
            check_page(page)
            break
        except (AssertionError, OSError, urllib.error.URLError) as error:
            if time.monotonic() >= end:
                sys.exit(f"still not so after {seconds} s: {error}")
        time.sleep(0.5)
    print(f"{len(JOBS)} programs up, {len(wanted)} rules evaluated, one peer counted and shown")


if __name__ == "__main__":
    main()
