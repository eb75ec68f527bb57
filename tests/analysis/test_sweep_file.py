# SPDX-License-Identifier: Apache-2.0
"""Reading sweep.h5, and refusing what is none."""

import h5py
import numpy as np
import pytest

from sweep_file import SweepFileError, read_sweep
from synthetic import ATTRIBUTES, curve_rows, demo_rows, trial_rows, write_sweep


@pytest.fixture
def path(tmp_path):
    rows = demo_rows()
    return write_sweep(tmp_path / "sweep.h5", rows, curve_rows(rows))


def refused(path):
    with pytest.raises(SweepFileError) as error:
        read_sweep(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_everything_is_found(path):
    sweep = read_sweep(path)
    assert len(sweep.trials) == 15 and len(sweep.done) == 14
    assert list(sweep.trials["method"].unique()) == ["base", "sft", "rlhf", "dpo", "kto"]
    assert sweep.trials["status"].isin(["done", "failed"]).all()
    assert sweep.attributes["machine"] == ATTRIBUTES["machine"]
    assert sweep.columns["eval/kl"].unit == "nats per sequence"
    assert sweep.metrics_under("eval/gold")[:2] == ["eval/gold/topical", "eval/gold/correct"]
    assert {"trial", "step", "rewards/margins", "objective/kl"} <= set(sweep.curves)
    assert np.isnan(sweep.curves["objective/kl"]).any()


def test_the_folder_will_do(path):
    assert read_sweep(path.parent).path == path


def test_bounds_of_intervals_are_no_metrics_of_their_own(tmp_path):
    rows = [row | {"eval/gold/correct_low": 0.5, "eval/gold/correct_high": 0.7} for row in trial_rows()]
    assert len(read_sweep(write_sweep(tmp_path / "sweep.h5", rows)).metrics_under("eval/gold")) == 7


def test_variable_length_strings_are_read_as_well(path):
    with h5py.File(path, "r+") as file:
        values = [value.decode() for value in file["trials/error"][()]]
        del file["trials/error"]
        file["trials/error"] = np.array(values, dtype=object)
    assert "NaN" in "".join(read_sweep(path).trials["error"])


def test_no_trials_and_no_curves(tmp_path):
    sweep = read_sweep(write_sweep(tmp_path / "sweep.h5", []))
    assert len(sweep.trials) == 0 and len(sweep.curves) == 0


def test_missing(tmp_path):
    assert "no such file" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "nothing" / "sweep.h5")


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all\n" * 100])
def test_not_hdf5(tmp_path, content):
    path = tmp_path / "sweep.h5"
    path.write_bytes(content)
    assert "not a readable HDF5 file" in refused(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_cut_short(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert str(path) in refused(path)


def test_a_flipped_bit_in_a_column(path):
    content = bytearray(path.read_bytes())
    with h5py.File(path, "r") as file:
        chunk = file["trials/eval/gold_reward"].id.get_chunk_info(0)
    content[chunk.byte_offset + 3] ^= 4
    path.write_bytes(content)
    assert "not a readable HDF5 file" in refused(path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "no attribute 'schema'"),
        ({"schema": "somebody.else", "schema_version": 1}, "its schema is 'somebody.else'"),
        ({"schema": "alignsweep.sweep", "schema_version": 2}, "schema_version is 2"),
        ({"schema": "alignsweep.sweep"}, "schema_version is missing"),
    ],
)
def test_foreign(tmp_path, attributes, message):
    assert message in refused(write_sweep(tmp_path / "sweep.h5", trial_rows(), attributes=attributes))


def change(path, name, data):
    with h5py.File(path, "r+") as file:
        del file[name]
        if data is not None:
            file[name] = data


def test_columns_that_do_not_fit(path):
    change(path, "trials/eval/perplexity", np.zeros(3))
    assert "/trials/eval/perplexity has 3 rows where /trials/trial has 15" in refused(path)


@pytest.mark.parametrize("name", ["status", "method", "seed"])
def test_columns_that_are_missing(path, name):
    change(path, f"trials/{name}", None)
    assert f"dataset /trials/{name} is missing" in refused(path)


def test_columns_of_another_type(path):
    change(path, "trials/seed", np.zeros(15))
    assert "/trials/seed is float64, expected int64" in refused(path)


def test_a_metric_that_is_text(path):
    change(path, "trials/eval/perplexity", np.full(15, b"low"))
    assert "/trials/eval/perplexity is text" in refused(path)


def test_no_trials_group(path):
    change(path, "trials", None)
    assert "group /trials is missing" in refused(path)


def test_curves_without_steps(path):
    change(path, "curves/step", None)
    assert "/curves/step is missing" in refused(path)
