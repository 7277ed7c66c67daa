"""A program whose memory is known to the byte: what bosk says of it must be true."""

import json
import math
import sys

from support import FIXTURES, Run, contains, equal, near, run_tests

SITES = FIXTURES / "fixture_sites"
PAIRS = FIXTURES / "fixture_pairs"


def check_places(truth, found, percent):
    by_name = {}
    for place in found:
        by_name.setdefault(place["place"].split(" < ")[0], place)
    for want in truth["places"]:
        if want["calls"] == 0:
            continue
        got = by_name[want["place"]]
        name = want["place"]
        near(got["allocations"], want["calls"], percent, f"{name} calls")
        near(got["allocated_bytes"], want["bytes"], percent, f"{name} bytes")
        near(got["requested_bytes"], want["requested"], percent, f"{name} requested")
        if want["peak"]:
            near(got["peak_bytes"], want["peak"], percent, f"{name} at the peak")
        else:
            assert got["peak_bytes"] < 0.01 * truth["peak"], f"{name} at the peak"
        if want["live"]:
            near(got["live_bytes"], want["live"], percent, f"{name} live")
        else:
            assert got["live_bytes"] < 0.01 * truth["peak"], f"{name} live"


def test_sites_within_five_percent():
    with Run(SITES, options=["--sample", "1K"]) as run:
        equal(run.status, 0)
        truth, main = json.loads(run.out), run.main()
        calls = sum(p["calls"] for p in truth["places"])
        assert 0 <= main["calls"] - calls < 500, f"{main['calls']} calls, the program made {calls}"
        near(main["allocated_bytes"], sum(p["bytes"] for p in truth["places"]), 0.1, "all bytes")
        near(main["memory"]["peak_bytes"], truth["peak"], 0.5, "peak")
        near(main["memory"]["live_bytes"], truth["live"], 1, "live")
        check_places(truth, main["places"], 5)
        assert all(p["samples"] >= 1000 for p in main["places"]
                   if p["place"].startswith(("hold_nodes", "churn")))


def test_automatic_sampling_is_exact_where_sizes_tell_places_apart():
    with Run(SITES) as run:
        truth, main = json.loads(run.out), run.main()
        assert 1000 <= main["samples"] <= 4000, main["samples"]
        near(main["memory"]["peak_bytes"], truth["peak"], 0.5, "peak")
        want = {p["place"]: p for p in truth["places"]}
        got = {p["place"].split(" < ")[0]: p for p in main["places"]}
        for name in ("hold_buffers", "hold_large", "churn_strings"):
            near(got[name]["allocated_bytes"], want[name]["bytes"], 2, name)
            near(got[name]["peak_bytes"], want[name]["peak"], 2, name)
        # These two share a size: together they are exact.
        both = ("hold_nodes", "churn_as_nodes")
        near(sum(got[n]["allocated_bytes"] for n in both), sum(want[n]["bytes"] for n in both), 2)


def test_a_block_that_grows_is_followed():
    for sample in ("auto", "1M", "16K"):
        grow = [FIXTURES / "fixture_behaviour", "grow", "300"]
        with Run(*grow, options=["--sample", sample]) as run:
            main = run.main()
            near(main["memory"]["peak_bytes"], 30_000_000, 40, "it may be copied at the peak")
            found = [p for p in main["places"] if p["place"].startswith("grow_array")]
            near(sum(p["peak_bytes"] for p in found), main["memory"]["peak_bytes"], 2, sample)
            near(sum(p["live_bytes"] for p in found), 3_000_000, 5, sample)


def test_profile_agrees():
    with Run(SITES, options=["--sample", "1K"]) as run:
        truth, profile = json.loads(run.out), run.profile()
        for want in truth["places"]:
            near(profile.total("alloc_objects", want["place"]), want["calls"], 5, want["place"])
            near(profile.total("alloc_space", want["place"]), want["bytes"], 5, want["place"])
            if want["peak"]:
                near(profile.total("peak_space", want["place"]), want["peak"], 5, want["place"])
            slack = want["bytes"] - want["requested"]
            near(profile.total("slack_space", want["place"]), slack, 8, want["place"])


def test_after_sigkill_everything_is_there():
    with Run(SITES, "kill", options=["--sample", "1K"]) as run:
        equal(run.status, 128 + 9)
        truth, main = json.loads(run.out), run.main()
        equal(run.summary()["ending"]["signal"], 9)
        near(main["memory"]["live_bytes"], truth["live"] or truth["peak"], 0.5, "live")
        check_places(truth, main["places"], 5)
        contains(run.err, "was killed by signal 9 (SIGKILL)")


def test_every_call_sampled_is_exact():
    with Run(PAIRS, "fresh", "20000", options=["--sample", "1"]) as run:
        main = run.main()
        equal(main["samples_lost"], 0)
        place = next(p for p in main["places"] if p["place"].startswith("main"))
        equal(place["allocations"], 20000)
        equal(place["live_bytes"], 20000 * 64)
        equal(place["samples"], 20000)


def test_pairs_are_counted_exactly_and_sampled_fairly():
    pairs, mean = 10_000_000, 65536
    with Run(PAIRS, "count", str(pairs), options=["--sample", str(mean)]) as run:
        main = run.main()
        assert 0 <= main["calls"] - pairs < 200, f"{main['calls']} calls"
        assert 0 <= main["frees"] - pairs < 200, f"{main['frees']} frees"
        chance = 1 - math.exp(-64 / mean)
        want, sigma = pairs * chance, math.sqrt(pairs * chance)
        got = next(p for p in main["places"] if p["place"].startswith("main"))["samples"]
        assert abs(got - want) < 4 * sigma, f"{got} samples, {want:.0f} +- {sigma:.0f} expected"
        near(main["memory"]["peak_bytes"], 16384, 100, "peak of pairs is what lies in the cache")


def test_tiers_are_counted_refills():
    blocks = 300_000
    with Run(PAIRS, "fresh", str(blocks), options=["--sample", "64K"]) as run:
        main, tiers = run.main(), run.main()["tiers"]
        sampled = main["samples"]
        # Nothing is freed: every block but samples was taken from a span, at most a batch is left.
        taken = tiers["objects_from_spans"] + sampled
        calls = main["calls"]
        assert blocks <= taken <= calls + 2000, f"{taken} objects taken, {calls} calls"
        assert tiers["objects_from_own_frees"] < 1000, tiers
        # Every span was new once, and 64-byte blocks need no other.
        near(tiers["refills_from_fresh_spans"], tiers["spans_allocated"], 5, "fresh spans")
        equal(tiers["calls_served_by_thread_cache"] + tiers["calls_served_by_spans"] +
              tiers["calls_served_by_page_heap"], main["calls"])
        equal(tiers["calls_served_by_spans"] + tiers["calls_served_by_page_heap"],
              tiers["refills_from_spans"])


def test_latency_agrees_with_every_call_timed_outside():
    problems = []
    for _ in range(6):
        with Run(PAIRS, "timed", "500000", options=["--sample", "off"]) as run:
            outside, inside = json.loads(run.out), run.main()["latency"]["malloc"]
        for key in ("p99", "p999"):
            near(inside[f"{key}_ns"], outside[key], 5, key)
        # The longest call of all may be one the machine stopped in the middle of the fast path,
        # which is timed from inside one time in many, or one of start-up, which outside is not.
        if abs(inside["max_ns"] / outside["max"] - 1) <= 0.05:
            return
        problems.append(f"inside {inside}, outside {outside}")
    raise AssertionError("\n".join(problems))


run_tests(sys.modules[__name__])
