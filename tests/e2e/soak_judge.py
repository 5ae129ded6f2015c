"""Decides whether what was sampled of a program stayed flat: the median of the second quarter of the time beside that of the last
one. Pure."""

import collections
import statistics

MIB = 1024  # in KiB, as /proc counts
Verdict = collections.namedtuple("Verdict", "program what second last allowed flat")

# What may come between the two medians of a program that keeps nothing: (share of the former, and at least so much).
#
# Memory: the allocator keeps, for each of its arenas, what the fullest moment needed, and that many moments have to pass before
# each has had its own. What is in use was flat to 2 % when it was looked at from inside. 5 % of what the daemons have is some ten
# bytes for each admission of half an hour at a few hundred a second: less than any allocation.
# Descriptors, threads: gRPC's pool may be one thread up or down when a sample is taken; one descriptor is a connection
# that is just being made. A leak grows with time, and a half hour's is more than two.
# State files: whole pages, and write-ahead logs that are cut back only at a checkpoint (4 MiB).
ALLOWED = {"rss_kib": (0.05, MIB), "anonymous_kib": (0.05, MIB), "descriptors": (0.0, 2), "threads": (0.0, 2)}
ALLOWED_FILE = (0.05, 4 * MIB)


def quarters(samples):
    """The second and the last quarter of the time that was sampled."""
    begin, end = samples[0]["seconds"], samples[-1]["seconds"]
    quarter = (end - begin) / 4
    return ([one for one in samples if begin + quarter <= one["seconds"] < begin + 2 * quarter],
            [one for one in samples if one["seconds"] >= begin + 3 * quarter])


def _values(sample, program):
    found = dict(sample[program])
    found.update({f"file {name}": size for name, size in found.pop("files_kib").items()})
    return found


def judge(samples, programs):
    """A Verdict for each figure of each program. `samples`: dictionaries with `seconds` and, for each program, figures and
    `files_kib`."""
    verdicts = []
    for program in programs:
        second, last = ([_values(one, program) for one in part] for part in quarters(samples))
        for what in sorted({name for values in second + last for name in values}):
            before, after = (statistics.median(values.get(what, 0) for values in part) for part in (second, last))
            share, least = ALLOWED.get(what, ALLOWED_FILE)
            allowed = max(share * before, least)
            verdicts.append(Verdict(program, what, before, after, allowed, after - before <= allowed))
    return verdicts


def worst_share(verdicts, what):
    """The largest growth of a figure, in percent of what it was."""
    return max(100 * (one.last - one.second) / one.second for one in verdicts if one.what == what)


def worst(verdicts, what):
    return max(one.last - one.second for one in verdicts if one.what == what)
