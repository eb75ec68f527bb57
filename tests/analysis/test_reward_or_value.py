# SPDX-License-Identifier: Apache-2.0
"""The figure of experiments/reward_or_value, from synthetic token values whose correlations are known."""

import h5py
import numpy as np
import pytest

import reward_or_value
from reward_or_value import Prefixes, by_position, ceilings, growing, main, read_prefixes, table, weighted_correlation
from sweep_file import SweepFileError, read_sweep
from synthetic import trial_rows, write_sweep

TRUTH = {"gold_sft": 0.5, "gold_ended": 0.8}


def token_rows(noise=None):
    rows = trial_rows()
    for row in rows:
        row["key"] = f"{row['trial']:016x}"
        if row["method"] not in ("rlhf", "dpo"):
            continue
        for estimate in ("score", "value", "implicit")[:: 1 if row["method"] == "rlhf" else 2]:
            for target, value in TRUTH.items():
                row[f"eval/token/within/{estimate}/{target}"] = value + 0.01 * (row["seed"] - 2)
            row[f"eval/token/step/{estimate}/gold_sft"] = 0.25
        row["eval/token/finished/score/gold"] = 0.7
        if noise is not None:
            row["eval/token/noise/within/gold_sft"] = noise
    return rows


def write_prefixes(folder, row, prompts=reward_or_value.FEWEST, length=4):
    """Answers of `length` tokens; the score is the gold value from the second token on, and its negative before."""
    rng = np.random.default_rng(row["trial"])
    position = np.tile(np.arange(length + 1), prompts)
    gold = rng.normal(size=position.size)
    path = folder / "stages" / f"token_values-{row['trial']:x}" / "data.h5"
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        columns = {
            "beginnings/number": np.repeat(np.arange(prompts), length + 1),
            "beginnings/position": position,
            "beginnings/finished": (position == length).astype(np.int64),
            "beginnings/previous": np.where(position == 0, -1, np.arange(position.size) - 1),
            "beginnings/weight": np.ones(position.size),
            "estimates/score": np.where(position >= 2, gold, -gold),
            "exact/gold_sft": gold,
            "exact/proxy_sft": gold,
        }
        for name, values in columns.items():
            file[name] = values
        file["beginnings"].attrs["model"] = np.bytes_(f"{row['method']}-{row['key']}")
    return path


def sweep_with_tokens(folder, noise=None):
    rows = token_rows(noise)
    write_sweep(folder / "sweep.h5", rows)
    for row in rows:
        if row["method"] in ("rlhf", "dpo"):
            write_prefixes(folder, row)
    return read_sweep(folder)


def test_the_table_has_the_means_of_the_seeds(tmp_path):
    numbers = table(sweep_with_tokens(tmp_path), "within")
    assert list(numbers.index) == [
        ("rlhf", "score"), ("rlhf", "value"), ("rlhf", "implicit"), ("dpo", "score"), ("dpo", "implicit")
    ]  # fmt: skip
    assert list(numbers.columns) == ["gold_sft", "gold_ended"]
    interval = numbers.loc[("dpo", "score"), "gold_ended"]
    assert interval.mean == pytest.approx(0.8)
    assert interval.high - interval.mean == pytest.approx(4.302653 * 0.01 / np.sqrt(3))


def test_prefixes_belong_to_the_trial_of_their_model(tmp_path):
    sweep = sweep_with_tokens(tmp_path)
    found = read_prefixes(sweep)
    methods = sweep.trials.set_index("trial")["method"]
    assert [methods[one.trial] for one in found] == ["rlhf"] * 3 + ["dpo"] * 3
    assert {"score", "gold_sft", "position"} <= set(found[0].rows)


def test_correlation_by_position_leaves_out_finished_answers(tmp_path):
    curve = by_position(read_prefixes(sweep_with_tokens(tmp_path))[0], "score", "gold_sft")
    assert list(curve.index) == [0, 1, 2, 3]
    assert curve.to_numpy() == pytest.approx([-1, -1, 1, 1])


def test_too_few_rows_give_no_correlation(tmp_path):
    write_sweep(tmp_path / "sweep.h5", rows := token_rows(None))
    row = next(row for row in rows if row["method"] == "rlhf")
    write_prefixes(tmp_path, row, prompts=reward_or_value.FEWEST - 1)
    assert by_position(read_prefixes(read_sweep(tmp_path))[0], "score", "gold_sft").empty


def test_weights_count_rows():
    prefixes = Prefixes(0, read_frame([0, 0, 1, 2], [0, 0, 1, 1], [1, 1, 1, 1]))
    merged = read_frame([0, 1, 2, 9], [0, 1, 1, -50], [2, 1, 1, 0])
    whole = weighted_correlation(*(prefixes.rows[name] for name in ("a", "b", "w")))
    assert whole == pytest.approx(np.corrcoef([0, 0, 1, 2], [0, 0, 1, 1])[0, 1])
    assert weighted_correlation(merged["a"], merged["b"], merged["w"]) == pytest.approx(whole)


def read_frame(a, b, w):
    return reward_or_value.pd.DataFrame({"a": a, "b": b, "w": w}).astype(float)


def test_sampling_noise_limits_what_any_estimate_reaches(tmp_path):
    assert ceilings(sweep_with_tokens(tmp_path, noise=0.19), "within") == {"gold_sft": pytest.approx(0.9)}


def test_the_program_writes_both_files_and_the_tables(tmp_path, capsys):
    sweep_with_tokens(tmp_path / "a", noise=0.1)
    sweep_with_tokens(tmp_path / "b")
    assert main([str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["reward_or_value.pdf", "reward_or_value.png"]
    text = capsys.readouterr().out
    assert "rlhf: value" in text and "a perfect estimate" in text and "0.800" in text
    assert "score with gold rlhf 0.700, dpo 0.700" in text


def test_curves_by_length_have_a_column_a_seed(tmp_path):
    curves = growing(sweep_with_tokens(tmp_path))
    assert list(curves) == [("rlhf", "score", "proxy_sft")]
    seeds = curves[("rlhf", "score", "proxy_sft")]
    assert seeds.to_numpy() == pytest.approx(np.repeat([[-1], [-1], [1], [1]], 3, axis=1))


def test_a_sweep_without_token_values_is_one_clear_line(tmp_path, capsys):
    write_sweep(tmp_path / "sweep.h5", trial_rows())
    assert main([str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "token_values.prompts" in error and error.count("\n") == 1


def test_a_broken_data_file_is_named(tmp_path):
    sweep = sweep_with_tokens(tmp_path)
    path = next(tmp_path.glob("stages/*/data.h5"))
    with h5py.File(path, "a") as file:
        del file["beginnings"].attrs["model"]
    with pytest.raises(SweepFileError, match="token_values-.*data.h5"):
        read_prefixes(sweep)
