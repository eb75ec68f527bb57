# SPDX-License-Identifier: Apache-2.0
"""Figures of the enumerable world from a made-up sweep: gaps of every method, and single responses."""

import h5py
import numpy as np
import pytest

import exact
from sweep_file import read_sweep
from synthetic import trial_rows, write_sweep

BETAS = (0.1, 1.0)
REFERENCE = np.log([0.5, 0.3, 0.2])
GOLD = np.array([0.0, 0.4, -0.2])


def optimum_of(beta):
    """J* of a world of one prompt with three responses."""
    return beta * np.log(np.sum(np.exp(REFERENCE + GOLD / beta)))


def rows_of(seeds=(1, 2)):
    """SFT, two best-of-n and DPO at two betas, a seed; DPO's gap is 0.01 at every beta."""
    rows = []
    for seed in seeds:
        base = {"status": "done", "seed": seed, "eval/kl": 0.0, "eval/gold_reward": float(np.exp(REFERENCE) @ GOLD)}
        rows.append(base | {"method": "sft", "key": f"sft{seed}"})
        for n, (gold, kl) in {2: (0.2, 0.1), 4: (0.3, 0.4)}.items():
            rows.append(base | {"method": "best_of_n", "best_of_n.n": n, "eval/gold_reward": gold, "eval/kl": kl})
        for beta in BETAS:
            best = optimum_of(beta)
            rows.append(base | {"method": "dpo", "key": f"dpo{seed}{beta}", "dpo.beta": beta, "eval/exact/gap": 0.01,
                                "eval/exact/optimum": best, "eval/exact/kl_from_optimum": 0.02 / beta,
                                "eval/exact/reward_recovered_r2": 0.9})  # fmt: skip
    for number, row in enumerate(rows):
        row["trial"] = number
    return rows


def write_responses(folder, model):
    """data.h5 of an evaluation, as the program writes it."""
    folder.mkdir(parents=True)
    with h5py.File(folder / "data.h5", "w") as file:
        file["answers/gold"] = GOLD
        file["answers/prompt/tokens"] = np.array([1, 0] * 3)
        file["answers/prompt/offsets"] = np.array([0, 2, 4, 6])
        file["exact/recovered"] = GOLD + 5.0
        file["exact/reference"] = REFERENCE
        file["exact"].attrs["model"] = np.bytes_(model)


def test_gaps_of_models_without_a_beta_are_against_the_same_optimum(tmp_path):
    table = exact.gaps(read_sweep(write_sweep(tmp_path / "sweep.h5", rows_of())))
    assert (table[table["method"] == "dpo"]["gap"] == 0.01).all()
    for beta in BETAS:
        start = table[(table["method"] == "sft") & (table["beta"] == beta)]
        assert np.allclose(start["gap"], optimum_of(beta) - np.exp(REFERENCE) @ GOLD)
        best = table[(table["method"] == "best_of_n") & (table["beta"] == beta)]
        assert np.allclose(best["gap"], optimum_of(beta) - max(0.2 - beta * 0.1, 0.3 - beta * 0.4))
    assert len(table) == 2 * 2 * 3


def test_recovered_reward_is_centred_by_prompt(tmp_path):
    sweep = read_sweep(write_sweep(tmp_path / "sweep.h5", rows_of()))
    write_responses(tmp_path / "stages" / "evaluate-1", "dpo-dpo10.1")
    write_responses(tmp_path / "stages" / "evaluate-2", "kto-dpo10.1")
    trial = sweep.done[(sweep.done["method"] == "dpo")].iloc[0]
    data = exact.responses_of(sweep, trial)
    gold, recovered = (exact.centred(data[name], data["prompt"], data["reference"]) for name in ("gold", "recovered"))
    assert np.allclose(gold, recovered)
    assert np.isclose(np.exp(REFERENCE) @ gold, 0.0)
    assert exact.responses_of(sweep, trial.replace("dpo10.1", "another")) is None


def test_a_quantile_counts_weights():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 6.0, 3.0])
    assert [exact.weighted_quantile(values, weights, share) for share in (0.1, 0.6, 0.61, 0.95, 1.0)] == [1, 1, 2, 3, 3]


def test_figures_and_table(tmp_path, capsys):
    write_sweep(tmp_path / "sweep.h5", rows_of())
    write_responses(tmp_path / "stages" / "evaluate-1", "dpo-dpo10.1")
    pairs = [row | {"feedback.prompts": n, "trial": i, "eval/exact/gap": 1.0 / n, "dpo.beta": 0.3}
             for i, (row, n) in enumerate((row, n) for row in rows_of() if row["method"] == "dpo" for n in (64, 512))]  # fmt: skip
    write_sweep(tmp_path / "pairs" / "sweep.h5", pairs)
    assert exact.main([str(tmp_path), "--pairs", str(tmp_path / "pairs")]) == 0
    for name in ("gap_beta", "gap_pairs", "recovered_reward"):
        for kind in ("png", "pdf"):
            assert (tmp_path / "figures" / f"{name}.{kind}").stat().st_size > 1000
    printed = capsys.readouterr().out
    assert "dpo" in printed
    assert "<= 0.02" in printed


@pytest.mark.parametrize("rows", [trial_rows(), []])
def test_a_sweep_of_another_world_is_refused_in_one_line(tmp_path, capsys, rows):
    write_sweep(tmp_path / "sweep.h5", rows)
    assert exact.main([str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "eval/exact/gap" in error
    assert error.count("\n") == 1


def test_a_missing_folder_is_said(tmp_path, capsys):
    assert exact.main([str(tmp_path / "none")]) == 3
    assert "no such file" in capsys.readouterr().err
