# SPDX-License-Identifier: Apache-2.0
"""Numbers and sentences."""

import math

import pytest

from arms import find_arms
from comparisons import Interval, compare_all, primary_metric
from sweep_file import read_sweep
from synthetic import fail, trial_rows, with_axis, write_sweep
from wording import bracket, decimals_for, headline, how_compared, number, p_value, sentence, with_interval


def report_of(tmp_path, rows):
    arms = find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", rows)))
    return compare_all(arms, primary_metric(arms)), arms


def set_gold(rows, method, values):
    for row, value in zip([row for row in rows if row["method"] == method], values, strict=True):
        row["eval/gold_reward"] = value


@pytest.fixture
def clear(tmp_path):
    """kto is above dpo by 0.1, 0.12 and 0.14; rlhf is dpo's equal but for noise."""
    rows = trial_rows()
    set_gold(rows, "dpo", [4.0, 4.2, 4.4])
    set_gold(rows, "kto", [4.10, 4.32, 4.54])
    set_gold(rows, "rlhf", [4.3, 4.0, 4.5])
    return report_of(tmp_path, rows)


def test_a_difference_in_words(clear):
    families, _ = clear
    assert sentence(families.methods[2]) == "kto above dpo by 0.120 [0.070, 0.170]"
    assert sentence(families.methods[0]).startswith("no difference larger than the noise between rlhf and dpo: 0.07 [−")


def test_the_headline_counts(clear):
    assert (
        headline(*clear) == "1 of 3 differences between methods in gold reward is larger than the noise between seeds."
    )


def test_correction_is_named(tmp_path):
    rows = trial_rows()
    set_gold(rows, "dpo", [4.0, 4.2, 4.4])
    set_gold(rows, "kto", [4.10, 4.33, 4.60])
    set_gold(rows, "rlhf", [4.3, 4.0, 4.5])
    families, _ = report_of(tmp_path, rows)
    text = sentence(families.methods[2]).replace("\u00a0", " ")
    assert text.startswith(
        "kto above dpo by 0.14 [0.02, 0.27], but not larger than the noise once corrected for 3 pairs (p ="
    )


def test_one_seed_is_said(tmp_path):
    families, arms = report_of(tmp_path, trial_rows(seeds=(1,)))
    assert headline(families, arms).startswith(
        "With one seed a method, differences in gold reward cannot be told from noise"
    )
    assert all("no interval, so no verdict" in sentence(c) for c in families.methods)
    assert how_compared(families, arms).endswith("An interval needs two seeds or more.")


def test_two_seeds_are_said(tmp_path):
    families, _ = report_of(tmp_path, trial_rows(seeds=(1, 2)))
    assert all(sentence(c).endswith(", from two seeds only") for c in families.methods)


def test_identical_and_without_spread(tmp_path):
    rows = trial_rows()
    set_gold(rows, "dpo", [4.0, 4.25, 4.5])
    set_gold(rows, "kto", [4.0, 4.25, 4.5])
    set_gold(rows, "rlhf", [4.25, 4.5, 4.75])
    families, arms = report_of(tmp_path, rows)
    assert sentence(families.methods[2]) == "kto and dpo are identical at every seed (3 seeds)"
    assert (
        sentence(families.methods[0])
        == "rlhf is 0.250 above dpo at every seed alike (3 seeds): no spread to judge it by"
    )
    assert headline(families, arms).startswith("None of the 3")


def test_a_shared_point_in_words(tmp_path):
    families, _ = report_of(tmp_path, with_axis("feedback.flips", (0.0, 0.2)))
    assert all(" at feedback.flips=" in sentence(c) for c in families.methods)


def test_headlines_with_nothing_to_compare(tmp_path):
    assert headline(*report_of(tmp_path, [])) == "The sweep holds no trials yet."
    rows = trial_rows(methods=())
    assert "only base and SFT" in headline(*report_of(tmp_path, rows))
    assert headline(*report_of(tmp_path, trial_rows(methods=("kto",)))).startswith("kto is the only method")
    rows = trial_rows()
    for row in rows:
        fail([row], row["method"], row["seed"], "", "pending")
    assert headline(*report_of(tmp_path, rows)) == "No trial has finished yet, so there is nothing to compare."


def test_methods_without_a_common_seed(tmp_path):
    rows = [row for row in trial_rows(methods=("dpo", "kto")) if (row["method"], row["seed"]) not in
            {("dpo", 1), ("kto", 2), ("kto", 3)}]  # fmt: skip
    families, arms = report_of(tmp_path, rows)
    assert headline(families, arms) == "No two methods have finished at the same seed, so there is nothing to compare."
    assert sentence(families.methods[0]) == "kto and dpo: no seed at which both have a value"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1.234, 2, "1.23"),
        (-1.234, 2, "−1.23"),
        (-0.001, 2, "0.00"),
        (math.nan, 2, "–"),
        (math.inf, 2, "–"),
        (12.6, 0, "13"),
    ],
)
def test_numbers(value, decimals, text):
    assert number(value, decimals) == text


def test_signs():
    assert number(0.5, 2, sign=True) == "+0.50"
    assert number(-0.0, 2, sign=True) == "0.00"


def test_decimals_follow_the_uncertainty():
    assert decimals_for([0.034], [4.5]) == 3
    assert decimals_for([0.34], [4.5]) == 2
    assert decimals_for([5.0], [450.0]) == 1
    assert decimals_for([], [0.5]) == 3
    assert decimals_for([], []) == 2
    assert with_interval(Interval(0.12, 0.03, 0.21, 3)) == "0.120 [0.030, 0.210]"
    assert bracket(Interval(0.12, math.nan, math.nan, 1), 2) == ""


def test_p_values():
    assert [p_value(p) for p in (math.nan, 0.0004, 0.0123, 0.345)] == ["–", "< 0.001", "0.012", "0.34"]
