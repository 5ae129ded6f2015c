"""Tables and the RESULT line of the comparison of completion strategies. Pure."""

import math

BASE = "pre-installed"


def rank(values, share):
    """The smallest value that at least this share of the values does not exceed; None of nothing."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else None


def summary(outcomes):
    done = [outcome for outcome in outcomes if outcome["reply_ms"] is not None]
    handshakes, replies = ([outcome[what] for outcome in done if outcome[what] is not None]
                           for what in ("handshake_ms", "reply_ms"))
    return {"runs": len(outcomes), "completed": len(done), "at_first": sum(outcome["initiations"] == 1 for outcome in done),
            "handshake_median_ms": rank(handshakes, 0.5), "handshake_p99_ms": rank(handshakes, 0.99),
            "reply_median_ms": rank(replies, 0.5), "reply_p90_ms": rank(replies, 0.9), "reply_p99_ms": rank(replies, 0.99),
            "reply_max_ms": max(replies, default=None)}


def ratio(one, other):
    return one / other if one is not None and other else None


def row_of(delay, name, outcomes, beside):
    own, base = summary(outcomes), summary(beside)
    return {"one_way_ms": int(delay), "strategy": name, **own,
            **{f"beside_{key}": base[key] for key in ("handshake_median_ms", "reply_median_ms", "reply_p99_ms")},
            **{f"{key}_ratio": ratio(own[f"{key}_ms"], base[f"{key}_ms"])
               for key in ("handshake_median", "reply_median", "reply_p99")}}


def rows(results):
    """One for each delay and strategy. Each strategy was measured in turns with pre-installed peers, `beside` it, and
    its ratios are to these; the row of the pre-installed ones is what was measured with no program running."""
    return [row_of(delay, name, found["own"], found["beside"])
            for delay, strategies in results["outcomes"].items() for name, found in strategies.items()]


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def brief(outcomes, beside):
    row = row_of(0, "", outcomes, beside)
    words = f"reply after {number(row['reply_median_ms'])} ms (median), {row['at_first']} of {row['runs']} at first"
    return words + (f"; pre-installed {number(row['beside_reply_median_ms'])} ms" if beside else "")


def table(head, lines):
    """Markdown."""
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, ["---"] * len(head)] + lines)


def timing_table(results):
    columns = ("handshake_median_ms", "reply_median_ms", "reply_p90_ms", "reply_p99_ms", "reply_max_ms",
               "beside_reply_median_ms")
    lines = [[f"{row['one_way_ms']} ms", row["strategy"]] + [number(row[column]) for column in columns] +
             [number(row["reply_median_ratio"], 3), f"{row['at_first']} of {row['runs']}"] for row in rows(results)]
    head = ["one way", "strategy", "handshake, median", "reply, median", "p90", "p99", "max", "pre-installed beside it",
            "ratio", "at first"]
    notes = [f"auto: {results['used']['auto']}"] if "auto" in results["used"] else []
    notes += [f"{name}: not available: {why}" for name, why in results["not_available"].items()]
    return "\n".join([table(head, lines), ""] + notes)


def survival_table(results):
    """A row for each network, a column for each strategy."""
    found = results["survival"]
    networks = next(iter(found.values()))
    return table(["network", *found], [[network] + [cells[network]["verdict"] for cells in found.values()]
                                       for network in networks])


def result_line(results):
    """Of the longest delay; what was not measured is left out."""
    measured, words = rows(results), []
    longest = max((row["one_way_ms"] for row in measured), default=0)
    for row in measured:
        if row["one_way_ms"] != longest:
            continue
        name = row["strategy"].replace("-", "_")
        words.append((f"{name}_ms", number(row["reply_median_ms"])))
        if row["strategy"] != BASE:
            words.append((f"{name}_ratio", number(row["reply_median_ratio"], 3)))
        if name == "auto":
            words += [("auto_p99_ratio", number(row["reply_p99_ratio"], 3)),
                      ("auto_at_first", f"{row['at_first']}/{row['runs']}")]
        if name == "retry" and None not in (row["reply_median_ms"], row["beside_reply_median_ms"]):
            words.append(("retry_extra_ms", number(row["reply_median_ms"] - row["beside_reply_median_ms"], 0)))
    for strategy, cells in results["survival"].items():
        at_first = sum(cell["verdict"].startswith("first") for cell in cells.values())
        words.append((f"{strategy.replace('-', '_')}_survives", f"{at_first}/{len(cells)}"))
    words += [(f"{name.replace('-', '_')}_not_available", 1) for name in results["not_available"]]
    return "RESULT completion " + " ".join(f"{name}={value}" for name, value in words)
