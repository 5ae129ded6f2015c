#!/usr/bin/python3
"""What the soak's judge takes for flat, and what not."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import soak_judge  # noqa: E402  (after the path is set)


def samples(seconds=1800, **growth):
    """One each two seconds: noise around steady values, plus what grows each second."""
    noise = random.Random(1)
    steady = {"rss_kib": 20000, "anonymous_kib": 9000, "descriptors": 20, "threads": 12}
    return [{"seconds": at, "one": {**{what: value + noise.uniform(-0.005, 0.005) * value + growth.get(what, 0) * at
                                       for what, value in steady.items()},
                                    "files_kib": {"replay.db": 900 + growth.get("file", 0) * at}}}
            for at in range(0, seconds, 2)]


def not_flat(made):
    return {one.what for one in soak_judge.judge(made, ["one"]) if not one.flat}


class Judge(unittest.TestCase):
    def test_noise_is_flat(self):
        self.assertEqual(not_flat(samples()), set())

    def test_what_shrinks_is_flat(self):
        self.assertEqual(not_flat(samples(rss_kib=-2.0)), set())

    def test_what_grew_before_the_second_quarter_only_is_flat(self):
        made = samples()
        for one in made[:len(made) // 5]:
            one["one"]["rss_kib"] /= 2
        self.assertEqual(not_flat(made), set())

    def test_a_leak_of_each_kind_is_noticed(self):
        # 16 bytes at each of a hundred admissions a second; a descriptor and a thread every four minutes.
        self.assertEqual(not_flat(samples(rss_kib=1.6)), {"rss_kib"})
        self.assertEqual(not_flat(samples(anonymous_kib=1.6)), {"anonymous_kib"})
        self.assertEqual(not_flat(samples(descriptors=1 / 240)), {"descriptors"})
        self.assertEqual(not_flat(samples(threads=1 / 240)), {"threads"})
        self.assertEqual(not_flat(samples(file=6)), {"file replay.db"})

    def test_the_worst_is_told(self):
        verdicts = soak_judge.judge(samples(rss_kib=1.6), ["one"])
        self.assertGreater(soak_judge.worst_share(verdicts, "rss_kib"), 5)
        self.assertLess(soak_judge.worst(verdicts, "threads"), 1)


if __name__ == "__main__":
    unittest.main()
