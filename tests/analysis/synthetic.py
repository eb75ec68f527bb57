# SPDX-License-Identifier: Apache-2.0
"""Makes a sweep.h5 as the C++ side writes it, with plausible numbers, for tests and for a look at the report.

python tests/analysis/synthetic.py /tmp/demo     writes /tmp/demo/sweep.h5
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ATTRIBUTES: dict[str, Any] = {
    "schema": "alignsweep.sweep", "schema_version": 1, "experiment": "demo", "software": "alignsweep",
    "softwareVersion": "0.1.0", "git_commit": "113dd42a-dirty", "date": "2026-08-30T14:05:11Z",
    "machine": "node17, 16 cores, x86-64", "compiler": "GCC 12.2.0", "backend": "openmp",
}  # fmt: skip

# Mean gold reward, its spread over seeds beside what all methods share, KL, proxy, win rate, perplexity.
METHODS = {
    "base": (2.80, 0.05, np.nan, -1.10, 0.21, 6.1),
    "sft": (3.90, 0.02, 0.0, 0.02, np.nan, 6.4),
    "rlhf": (4.55, 0.06, 1.65, 1.22, 0.75, 7.6),
    "dpo": (4.33, 0.02, 0.95, 0.71, 0.70, 7.0),
    "kto": (4.47, 0.02, 1.15, 0.80, 0.73, 7.1),
}
COMPONENTS = {"topical": 0.95, "correct": 0.62, "complete": 0.6, "safe": 0.65, "polite": 0.40, "concise": 0.58, "ended": 0.59}
BEHAVIOURS = ("answers", "asks_back", "no_answer", "rambles", "refuses_unsafe", "refuses_harmless")
SHARED_ROLES = ("pretrain", "sft", "feedback", "reference", "evaluate")
ALIGN_ROLES = {"rlhf": ("reward_model", "policy", "value"), "dpo": ("policy",), "kto": ("policy",)}
TOKENS = {"pretrain": 8.2e5, "sft": 2.1e4, "feedback": 2.4e5, "reference": 2.4e5, "evaluate": 1.2e5,
          "reward_model": 4.4e5, "policy": 5.6e5, "value": 2.8e5}  # fmt: skip

# All methods that the program has, in its order, with the keys of their betas.
PROGRAM = (("base", ""), ("sft", ""), ("rlhf", "rlhf.kl_coef"), ("dpo", "dpo.beta"), ("kto", "kto.beta"),
           ("best_of_n", ""), ("online_dpo", "online_dpo.beta"), ("online_kto", "online_kto.beta"))  # fmt: skip

Row = dict[str, Any]


def trial_rows(
    methods: Sequence[str] = ("rlhf", "dpo", "kto"), seeds: Sequence[int] = (1, 2, 3), rng_seed: int = 7
) -> list[Row]:
    """Finished trials: base and SFT and `methods`, each at every seed, as rows by column name."""
    rng = np.random.default_rng(rng_seed)
    world = {seed: (rng.normal(0, 0.18), rng.normal(0, 0.1)) for seed in seeds}
    rows: list[Row] = []
    for method in ("base", "sft", *methods):
        for seed in seeds:
            rows.append(_row(len(rows), method, seed, world[seed], rng))
    return rows


def _row(trial: int, method: str, seed: int, world: tuple[float, float], rng: np.random.Generator) -> Row:
    gold, spread, kl, proxy, win_rate, perplexity = METHODS[method]
    aligned = method in ALIGN_ROLES
    value = gold + world[0] + aligned * world[1] + rng.normal(0, spread)
    row: Row = {
        "trial": trial, "key": f"{trial:032x}", "status": "done", "error": "", "method": method, "seed": seed,
        "digest": f"{rng.integers(2**62):016x}", "seconds": 40 + 8 * rng.random(),
        "eval/gold_reward": value, "eval/gold_reward_low": value - 0.07, "eval/gold_reward_high": value + 0.07,
        "eval/proxy_reward": proxy + rng.normal(0, 0.06), "eval/kl": kl * np.exp(rng.normal(0, 0.12)),
        "eval/perplexity": perplexity * np.exp(rng.normal(0, 0.03)),
    }  # fmt: skip
    win = win_rate + rng.normal(0, 0.02)
    row |= {"eval/win_rate": win, "eval/win_rate_low": win - 0.028, "eval/win_rate_high": win + 0.028}
    row |= {"eval/gold_vs_sft": value - 3.9 - world[0] if aligned else np.nan}
    row |= {"eval/gold_vs_sft_t": row["eval/gold_vs_sft"] / 0.039}
    lift = (gold - 3.9) * 0.3
    for name, share in COMPONENTS.items():
        row[f"eval/gold/{name}"] = float(np.clip(share + lift * (1 - share) * 2 + rng.normal(0, 0.015), 0, 1))
    asks = {"base": 0.36, "sft": 0.05}.get(method, 0.02)
    rambles = {"base": 0.10, "sft": 0.05}.get(method, 0.02)
    nothing = 0.12 if method == "base" else 0.02
    shares = (
        1 - asks - rambles - nothing,
        asks,
        nothing,
        rambles,
        0.1 if method == "base" else 0.9,
        0.03 + 0.02 * aligned,
    )
    for name, share in zip(BEHAVIOURS, shares, strict=True):
        row[f"eval/behaviour/{name}"] = float(np.clip(share + rng.normal(0, 0.01), 0, 1))
    roles = (
        (*SHARED_ROLES, *ALIGN_ROLES[method]) if aligned else ("pretrain", "evaluate") + ("sft",) * (method == "sft")
    )
    labels = {"feedback": 3300.0 * (2 if method == "kto" else 1)} if aligned else {}
    for what, per_token in (("tokens", 1.0), ("flops", 6.8e5)):
        for role in roles:
            row[f"cost/{what}/{role}"] = TOKENS[role] * per_token
        row[f"cost/{what}/total"] = sum(TOKENS[role] * per_token for role in roles)
    # Time is counted by stage: that of a method holds its policy and its value model.
    seconds = {"corpus": 2.0}
    for role in roles:
        stage = method if role in ("policy", "value") else role
        seconds[stage] = seconds.get(stage, 0.0) + TOKENS[role] * 2.2e-5
    row |= {f"cost/seconds/{stage}": spent for stage, spent in seconds.items()}
    row["cost/seconds/total"] = sum(seconds.values())
    row |= {f"cost/labels/{role}": n for role, n in labels.items()}
    row |= {"cost/labels/total": sum(labels.values())}
    row["cost/models_in_memory"] = {"rlhf": 4.0, "dpo": 1.0, "kto": 1.0}.get(method, 1.0)
    return row


def curve_rows(rows: Sequence[Mapping[str, Any]], steps: int = 40) -> list[Row]:
    """Learning curves of the aligned trials; failed trials break off in the middle."""
    curves: list[Row] = []
    for row in rows:
        rng = np.random.default_rng(1000 + row["trial"])
        final = rng.normal(1, 0.08)
        length = {"done": steps, "failed": steps // 2, "running": steps // 3}.get(row["status"], 0)
        for step in range(1, length + 1):
            rise = final * (1 - np.exp(-3 * step / steps))
            curve: Row = {"trial": row["trial"], "step": step * (1 if row["method"] == "rlhf" else 3)}
            noise = rng.normal(0, 0.03)
            if row["method"] in ("dpo", "kto"):
                curve |= {
                    "rewards/margins": 1.4 * rise + noise, "rewards/chosen": 0.5 * rise + noise,
                    "rewards/rejected": -0.9 * rise - noise, "rewards/accuracies": 0.5 + 0.27 * rise + noise / 2,
                    "loss": (0.69 if row["method"] == "dpo" else 0.5) - 0.18 * rise + noise / 2,
                }  # fmt: skip
            elif row["method"] == "rlhf":
                curve |= {
                    "objective/scores": 1.25 * rise + 2 * noise, "objective/kl": 1.6 * rise + noise,
                    "objective/entropy": 28 - 9 * rise + 10 * noise, "loss": 0.12 - 0.05 * rise + noise / 3,
                }  # fmt: skip
            else:
                continue
            curves.append(curve)
    return curves


def write_sweep(
    path: Path, rows: Sequence[Mapping[str, Any]], curves: Sequence[Mapping[str, Any]] = (),
    attributes: Mapping[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Writes sweep.h5; absent floats are NaN, texts are fixed-length and null padded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for row in rows for name in row)) or ["trial", "status", "method", "seed"]
    with h5py.File(path, "w") as file:
        for name, value in (ATTRIBUTES if attributes is None else attributes).items():
            file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value
        trials = file.create_group("trials")
        for name in columns:
            _write_column(trials, name, [row.get(name) for row in rows])
        trials["trial"].make_scale("trial")
        if "eval/kl" in columns:
            trials["eval/kl"].attrs["units"] = np.bytes_("nats per sequence")
            trials["eval/kl"].attrs["description"] = np.bytes_("KL(policy || SFT), sampled from the policy")
            trials["eval/kl"].dims[0].attach_scale(trials["trial"])
        methods = file.create_group("methods")
        table = [{"row": i, "name": name, "aligned": int(i >= 2), "trains_policy": 1, "beta_key": key}
                 for i, (name, key) in enumerate(PROGRAM)]  # fmt: skip
        for name in table[0]:
            _write_column(methods, name, [row[name] for row in table])
        group = file.create_group("curves")
        for name in dict.fromkeys(name for row in curves for name in row):
            _write_column(group, name, [row.get(name) for row in curves])
    return path


def _write_column(group: h5py.Group, name: str, values: list[Any]) -> None:
    if name in ("trial", "seed", "step", "row", "aligned", "trains_policy"):
        data = np.array(values, dtype=np.int64)
    elif any(isinstance(value, str) for value in values):
        encoded = [str(value or "").encode() for value in values]
        data = np.array(encoded, dtype=f"S{max([1, *map(len, encoded)])}")
    else:
        data = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    group.create_dataset(name, data=data, maxshape=(None,), chunks=(max(1, len(values)),), fletcher32=bool(values))


def demo_rows() -> list[Row]:
    """3 methods x 3 seeds with base and SFT, one failed trial."""
    rows = trial_rows()
    fail(rows, "rlhf", 2, "stage align-7f3a: loss is NaN at step 20 (tensor layers.1.attention.wq)")
    return rows


def fail(rows: list[Row], method: str, seed: int, error: str, status: str = "failed") -> None:
    """Turns one finished trial into one that failed (or waits): no metric, an error text."""
    for row in rows:
        if row["method"] == method and row["seed"] == seed:
            for name in [name for name in row if "/" in name]:
                row[name] = np.nan
            row |= {"status": status, "error": error, "digest": "", "seconds": np.nan}


def with_axis(name: str, values: Sequence[float], method: str = "", seeds: Sequence[int] = (1, 2, 3)) -> list[Row]:
    """A sweep over one axis: of one method, or of all aligned ones (method '')."""
    rows: list[Row] = []
    for number, value in enumerate(values):
        for row in trial_rows(seeds=seeds):
            aligned = row["method"] in ALIGN_ROLES
            on_axis = row["method"] == method if method else aligned
            if not on_axis and number:
                continue
            shift = 0.1 * number if on_axis else 0.0
            rows.append(
                row | {"trial": len(rows), name: value if on_axis else np.nan,
                       "eval/gold_reward": row["eval/gold_reward"] - shift,
                       "eval/kl": row["eval/kl"] * (1 + 0.4 * number if on_axis else 1)}
            )  # fmt: skip
    return rows


if __name__ == "__main__":
    target = Path(sys.argv[1]) / "sweep.h5"
    demo = demo_rows()
    print(write_sweep(target, demo, curve_rows(demo)))
