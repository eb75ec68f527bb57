# SPDX-License-Identifier: Apache-2.0
"""Arms, axes and replicates."""

import math

import numpy as np
import pytest

from arms import Arm, find_arms, pair_labels
from sweep_file import read_sweep
from synthetic import trial_rows, with_axis, write_sweep


def arms_of(tmp_path, rows):
    return find_arms(read_sweep(write_sweep(tmp_path / "sweep.h5", rows)))


def test_rows_stand_in_the_order_of_a_models_life(tmp_path):
    rows = trial_rows(methods=("kto", "rlhf", "dpo"))
    assert [arm.label for arm in arms_of(tmp_path, rows[::-1]).arms] == ["base", "sft", "rlhf", "dpo", "kto"]


def test_methods_that_this_report_does_not_know_come_last(tmp_path):
    rows = trial_rows()
    rows += [row | {"method": "orpo", "trial": 100 + row["seed"]} for row in rows if row["method"] == "dpo"]
    assert arms_of(tmp_path, rows).methods == ["base", "sft", "rlhf", "dpo", "kto", "orpo"]


def test_a_label_names_only_what_varies(tmp_path):
    rows = [row | {"sft.examples": 256.0} for row in with_axis("dpo.beta", (0.05, 0.1), "dpo")]
    labels = [arm.label for arm in arms_of(tmp_path, rows).arms]
    assert labels == ["base", "sft", "rlhf", "dpo beta=0.05", "dpo beta=0.1", "kto"]


def test_axis_values_sort_as_numbers(tmp_path):
    labels = [arm.label for arm in arms_of(tmp_path, with_axis("dpo.beta", (10.0, 2.0), "dpo")).arms]
    assert labels.index("dpo beta=2") < labels.index("dpo beta=10")


def test_agreement_looks_at_common_axes_alone():
    dpo = Arm("dpo", (("dpo.beta", 0.1), ("sft.examples", 64.0)))
    assert dpo.agrees_with(Arm("kto", (("sft.examples", 64.0),)))
    assert dpo.agrees_with(Arm("base"))
    assert not dpo.agrees_with(Arm("kto", (("sft.examples", 256.0),)))


def test_a_shared_point_is_named_once():
    a = Arm("kto", (), ("beta=0.3", "feedback.flips=0.2"))
    b = Arm("dpo", (), ("beta=0.1", "feedback.flips=0.2"))
    assert pair_labels(a, b) == ("kto beta=0.3", "dpo beta=0.1", "feedback.flips=0.2")


def test_the_replicates_are_the_seeds(tmp_path):
    arms = arms_of(tmp_path, trial_rows(seeds=(3, 1, 2)))
    assert arms.replicate_name == "seed"
    assert list(arms.values(arms.arms[0], "eval/gold_reward").index) == [1, 2, 3]


def test_one_source_of_chance_alone(tmp_path):
    rows = [row | {"seed.train": row["seed"], "seed": 1} for row in trial_rows()]
    arms = arms_of(tmp_path, rows)
    assert arms.replicate_name == "value of seed.train"
    assert [arm.label for arm in arms.arms] == ["base", "sft", "rlhf", "dpo", "kto"]
    assert len(arms.values(arms.arms[2], "eval/gold_reward")) == 3


def test_nested_seeds_are_averaged_not_counted_twice(tmp_path):
    rows = [
        row | {"seed.train": float(train), "trial": 100 * train + row["trial"],
               "eval/gold_reward": row["eval/gold_reward"] + 0.1 * train}
        for row in trial_rows() for train in (1, 2)
    ]  # fmt: skip
    arms = arms_of(tmp_path, rows)
    values = arms.values(arms.arms[2], "eval/gold_reward")
    plain = [row["eval/gold_reward"] for row in trial_rows() if row["method"] == "rlhf"]
    assert list(values) == pytest.approx([value + 0.15 for value in plain])


def test_nan_and_inf_are_no_values(tmp_path):
    rows = trial_rows()
    kto = [row for row in rows if row["method"] == "kto"]
    kto[0]["eval/kl"], kto[1]["eval/kl"] = math.nan, np.inf
    arms = arms_of(tmp_path, rows)
    assert list(arms.values(arms.arms[-1], "eval/kl").index) == [3]
