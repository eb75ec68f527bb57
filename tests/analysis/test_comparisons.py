# SPDX-License-Identifier: Apache-2.0
"""The statistics against scipy.stats, and the verdicts at their edges."""

import math

import numpy as np
import pytest
from scipy import stats

from arms import find_arms
from comparisons import Verdict, compare_all, holm, judge, primary_metric, t_interval, t_test
from sweep_file import read_sweep
from synthetic import fail, trial_rows, with_axis, write_sweep


def families_of(tmp_path, rows):
    arms = find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", rows)))
    return compare_all(arms, primary_metric(arms))


def gold(rows, method):
    return np.array([row["eval/gold_reward"] for row in rows if row["method"] == method])


@pytest.mark.parametrize("n", [2, 3, 8, 100])
def test_interval_is_scipys(n):
    x = np.random.default_rng(n).normal(0.3, 1, n)
    interval = t_interval(x)
    expected = stats.ttest_1samp(x, 0).confidence_interval(0.95)
    assert interval.n == n
    assert interval.mean == pytest.approx(x.mean(), rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-10)


def test_interval_covers_at_its_rate():
    rng = np.random.default_rng(0)
    intervals = [t_interval(rng.normal(0, 1, 3)) for _ in range(4000)]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)


def test_no_interval_from_one_value_or_none():
    one, none = t_interval([0.4]), t_interval([])
    assert (one.mean, one.n) == (0.4, 1)
    assert math.isnan(one.low) and math.isnan(one.half_width)
    assert none.n == 0 and math.isnan(none.mean)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_p_is_the_paired_t_test(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.5, 1, n), rng.normal(0, 1, n)
    assert t_test(list(a - b)) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)


def test_no_p_without_spread_or_pairs():
    assert math.isnan(t_test([0.5]))
    assert math.isnan(t_test([0.3, 0.1 + 0.2]))
    assert math.isnan(t_test([0.0, 0.0, 0.0]))


def test_holm_on_a_worked_example():
    # 0.005*4, then max(0.02, 0.01*3), max(., 0.03*2), max(., 0.04*1)
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_is_monotone_bounded_and_skips_what_was_not_tested():
    assert holm([0.04, math.nan, 0.03])[:1] == pytest.approx([0.06])
    assert math.isnan(holm([0.04, math.nan])[1])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
    p = list(np.random.default_rng(3).uniform(0, 0.2, 20))
    adjusted = np.array(holm(p))
    order = np.argsort(p)
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= p).all() and (adjusted <= np.minimum(1, np.array(p) * 20) + 1e-15).all()


@pytest.mark.parametrize(
    ("differences", "p", "p_holm", "verdict"),
    [
        ([], math.nan, math.nan, Verdict.NO_PAIR),
        ([0.5], math.nan, math.nan, Verdict.ONE_SEED),
        ([0.0, 0.0], math.nan, math.nan, Verdict.IDENTICAL),
        ([0.5, 0.5], math.nan, math.nan, Verdict.NO_SPREAD),
        ([0.5, 0.51], 0.01, 0.03, Verdict.LARGER),
        ([0.5, 0.6], 0.03, 0.06, Verdict.NOT_CORRECTED),
        ([0.5, -0.6], 0.5, 0.5, Verdict.WITHIN),
    ],
)
def test_verdicts(differences, p, p_holm, verdict):
    assert judge(differences, p, p_holm) is verdict


def test_pairs_are_compared_by_seed(tmp_path):
    rows = trial_rows(seeds=range(1, 6))
    families = families_of(tmp_path, rows)
    assert [(c.a.method, c.b.method) for c in families.methods] == [("dpo", "rlhf"), ("kto", "rlhf"), ("kto", "dpo")]
    kto_dpo = families.methods[2]
    expected = stats.ttest_rel(gold(rows, "kto"), gold(rows, "dpo"))
    assert kto_dpo.p == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval(0.95)
    assert (kto_dpo.interval.low, kto_dpo.interval.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert [c.p_holm for c in families.methods] == pytest.approx(holm([c.p for c in families.methods]))
    assert {c.family for c in families.methods} == {3}
    assert len(families.over_sft) == 3 and len(families.sft_over_base) == 1 and not families.along_axes


def test_pairing_ignores_the_order_of_rows(tmp_path):
    rows = trial_rows(seeds=range(1, 6))
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    first = {frozenset((c.a.method, c.b.method)): c.positive() for c in families_of(tmp_path, rows).methods}
    for c in families_of(tmp_path, shuffled).methods:
        same = first[frozenset((c.a.method, c.b.method))]
        assert c.positive().interval.mean == pytest.approx(same.interval.mean)
        assert c.p == pytest.approx(same.p)


def test_a_failed_trial_leaves_its_pairs_with_the_other_seeds(tmp_path):
    rows = trial_rows()
    fail(rows, "rlhf", 2, "loss is NaN")
    by_pair = {(c.a.method, c.b.method): c for c in families_of(tmp_path, rows).methods}
    assert by_pair["dpo", "rlhf"].seeds == (1, 3)
    assert by_pair["kto", "dpo"].seeds == (1, 2, 3)


def test_metrics_of_unfinished_trials_do_not_count(tmp_path):
    rows = trial_rows()
    next(row for row in rows if row["method"] == "kto")["status"] = "running"
    assert {c.n for c in families_of(tmp_path, rows).methods if c.a.method == "kto"} == {2}


def test_one_seed_has_no_verdict(tmp_path):
    families = families_of(tmp_path, trial_rows(seeds=(4,)))
    every = (*families.methods, *families.over_sft, *families.sft_over_base)
    assert {c.verdict for c in every} == {Verdict.ONE_SEED}
    assert all(math.isnan(c.interval.low) and math.isnan(c.p_holm) for c in every)


def test_positive_turns_everything_around(tmp_path):
    c = families_of(tmp_path, trial_rows()).methods[0]
    assert c.interval.mean < 0
    turned = c.positive()
    assert (turned.a, turned.b) == (c.b, c.a)
    assert turned.interval.low == -c.interval.high and turned.above == c.n - c.above


def test_the_axis_of_one_method(tmp_path):
    families = families_of(tmp_path, with_axis("dpo.beta", (0.05, 0.1, 0.5), "dpo"))
    assert len(families.methods) == 3 + 3 + 1  # dpo's three against rlhf and kto, and kto against rlhf
    assert len(families.along_axes) == 3
    assert len(families.over_sft) == 5


def test_methods_meet_at_one_point_of_a_shared_axis(tmp_path):
    families = families_of(tmp_path, with_axis("feedback.flips", (0.0, 0.2)))
    assert len(families.methods) == 2 * 3
    assert all(c.a.axes == c.b.axes for c in families.methods)
    assert len(families.over_sft) == 6


def test_zipped_axes_are_compared_together(tmp_path):
    rows = with_axis("feedback.flips", (0.0, 0.2))
    for row in rows:
        row["feedback.pairs"] = row["feedback.flips"] * 100
    assert len(families_of(tmp_path, rows).along_axes) == 3


def test_the_metric_falls_back(tmp_path):
    rows = trial_rows()
    for row in rows:
        row["eval/gold_reward"] = math.nan
    assert families_of(tmp_path, rows).metric == "eval/win_rate"


def test_a_fine_grid_is_compared_along_its_lines(tmp_path):
    rows = with_axis("dpo.beta", tuple(float(i) for i in range(1, 21)), "dpo")
    axis = families_of(tmp_path, rows).along_axes
    assert len(axis) == 19
    assert all(dict(c.a.axes)["dpo.beta"] - dict(c.b.axes)["dpo.beta"] == 1 for c in axis)
