# SPDX-License-Identifier: Apache-2.0
"""Reads the index of a sweep, `sweep.h5`, into data frames.

The file's layout is fixed by the C++ side: `/trials/<column>` holds one row a trial, `/curves/<metric>` all
trials' curves as long columns. Slashes in a metric's name are HDF5 groups, so the columns are found by a walk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

SCHEMA = "alignsweep.sweep"
SCHEMA_VERSION = 1

REQUIRED = ("trial", "status", "method", "seed")
TEXT_COLUMNS = ("key", "status", "error", "method", "digest")
CIRCUMSTANCES = "circumstances/"  # columns of text: how a trial's stages were run
PROVENANCE = "provenance/"  # columns of text: where a trial's stages come from, by fact

UNALIGNED = ("base", "sft")  # in files that do not say

# The order in which values of the gold reward, and then behaviours, are read.
LEAVES = (
    "topical", "correct", "complete", "safe", "polite", "concise", "ended",
    "fact", "open", "harmless", "unsafe",
    "answers", "asks_back", "no_answer", "rambles", "refuses_unsafe", "refuses_harmless",
    "distinct", "entropy", "modal_share", "modal_share_of_kind",
)  # fmt: skip


class SweepFileError(Exception):
    """The sweep's index cannot be read; the text is one line fit for a user."""


@dataclass(frozen=True)
class ColumnInfo:
    """What a dataset's own attributes say about it; empty where the file says nothing."""

    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Method:
    """What the program says of a method: whether it is one of alignment (the base and the SFT model are none), whether
    it trains a policy, and the key of the strength of its tie to the reference, if it has one."""

    name: str
    aligned: bool = True
    trains_policy: bool = True
    beta_key: str = ""


@dataclass(frozen=True)
class Sweep:
    """The content of one `sweep.h5`.

    methods: all that the program has, in the order of tables, whether the sweep has trials of them or not.
    trials: one row a trial, columns under their slash names. curves: `trial`, `step` and one float column a
    metric (no rows if the file has none). columns: unit and description by column. attributes: the root's.
    """

    path: Path
    trials: pd.DataFrame
    curves: pd.DataFrame
    columns: dict[str, ColumnInfo] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    methods: tuple[Method, ...] = ()

    def method(self, name: str) -> Method:
        """The method of that name."""
        return next(method for method in self.methods if method.name == name)

    @property
    def done(self) -> pd.DataFrame:
        """The finished trials; nothing else enters a statistic."""
        return self.trials[self.trials["status"] == "done"]

    def has(self, column: str) -> bool:
        """Whether some finished trial has a finite value in this column."""
        return column in self.trials and bool(np.isfinite(self.done[column].astype(float)).any())

    def provenance(self) -> dict[str, dict[str, int]]:
        """By fact (git_commit, blas, ...): its values over finished trials and how many trials have each.

        A trial whose stages differ has them all in one value, joined by "; ".
        """
        facts = [name for name in self.trials if name.startswith(PROVENANCE)]
        return {
            fact.removeprefix(PROVENANCE): self.done[fact].value_counts().sort_index().to_dict()
            for fact in facts
            if len(self.done)
        }

    def circumstances(self) -> dict[str, str]:
        """How the finished trials were run (host, ranks, data files, ...): all values, and from when to when."""
        found = {}
        for column in (name for name in self.trials if name.startswith(CIRCUMSTANCES)):
            name = column.removeprefix(CIRCUMSTANCES)
            values = sorted({part for value in self.done[column] for part in value.split("; ") if part})
            if values:
                found[name] = {"started": values[0], "ended": values[-1]}.get(name, "; ".join(values))
        return found

    def mixed(self) -> dict[str, dict[str, int]]:
        """The facts of `provenance` in which trials, or stages of one trial, differ."""
        return {
            fact: values
            for fact, values in self.provenance().items()
            if len(values) > 1 or any("; " in value for value in values)
        }

    def metrics_under(self, prefix: str) -> list[str]:
        """Columns `<prefix>/...`, bounds of intervals aside, that hold a value for some finished trial.

        Known ones come in the order of `LEAVES`; HDF5 itself lists names by the alphabet.
        """
        names = [name for name in self.trials if name.startswith(prefix + "/") and self.has(name)]
        names = [name for name in names if not name.endswith(("_low", "_high"))]
        leaves = {name: name.rsplit("/", 1)[-1] for name in names}
        return sorted(names, key=lambda name: LEAVES.index(leaves[name]) if leaves[name] in LEAVES else len(LEAVES))


def read_sweep(path: Path) -> Sweep:
    """Reads `path`, a `sweep.h5` or the folder that holds it. Raises SweepFileError with one line."""
    if path.is_dir():
        path = path / "sweep.h5"
    if not path.exists():
        raise SweepFileError(f"{path}: no such file; a sweep writes it (alignsweep sweep ... --out {path.parent})")
    try:
        # The writer publishes whole files by rename, so no lock is needed, and file systems without locks work.
        with h5py.File(path, "r", locking=False) as file:
            return _read(path, file)
    except SweepFileError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise SweepFileError(f"{path}: not a readable HDF5 file: {_one_line(error)}") from error


def _read(path: Path, file: h5py.File) -> Sweep:
    attributes = {name: _text(value) for name, value in file.attrs.items()}
    schema = attributes.get("schema", "")
    if schema != SCHEMA:
        found = f"its schema is '{schema}'" if schema else "it has no attribute 'schema'"
        raise SweepFileError(f"{path}: not a sweep's index: {found}, expected '{SCHEMA}'")
    if attributes.get("schema_version") != str(SCHEMA_VERSION):
        version = attributes.get("schema_version", "missing")
        raise SweepFileError(f"{path}: schema_version is {version}; this report reads {SCHEMA_VERSION}")
    if not isinstance(file.get("trials"), h5py.Group):
        raise SweepFileError(f"{path}: group /trials is missing")

    trials, columns = _read_columns(path, file["trials"])
    for name in REQUIRED:
        if name not in trials:
            raise SweepFileError(f"{path}: dataset /trials/{name} is missing")
    for name in ("trial", "seed"):
        if not pd.api.types.is_integer_dtype(trials[name].dtype):
            raise SweepFileError(f"{path}: dataset /trials/{name} is {trials[name].dtype}, expected int64")
    for name in TEXT_COLUMNS:
        trials[name] = trials[name].astype(str) if name in trials else ""
    for name in trials.columns.difference([*TEXT_COLUMNS, *REQUIRED]):
        if name.startswith((PROVENANCE, CIRCUMSTANCES)):
            trials[name] = trials[name].astype(str)
        elif "." not in name and not pd.api.types.is_numeric_dtype(trials[name].dtype):
            raise SweepFileError(f"{path}: dataset /trials/{name} is text, expected float64")

    curves = pd.DataFrame({"trial": np.empty(0, np.int64), "step": np.empty(0, np.int64)})
    if isinstance(file.get("curves"), h5py.Group) and len(file["curves"]):
        curves, curve_columns = _read_columns(path, file["curves"])
        for name in ("trial", "step"):
            if name not in curves:
                raise SweepFileError(f"{path}: dataset /curves/{name} is missing")
        columns |= {name: info for name, info in curve_columns.items() if name not in columns}
    return Sweep(path, trials, curves, columns, attributes, _read_methods(path, file, trials["method"]))


def _read_methods(path: Path, file: h5py.File, used: pd.Series) -> tuple[Method, ...]:
    """The table /methods, and after it what the trials name beside it: a file of an older program has no table."""
    methods: dict[str, Method] = {}
    if isinstance(file.get("methods"), h5py.Group):
        table, _ = _read_columns(path, file["methods"])
        for row in table.to_dict("records"):
            name = str(row["name"])
            methods[name] = Method(name, bool(row["aligned"]), bool(row["trains_policy"]), str(row["beta_key"]))
    for name in used.unique():
        methods.setdefault(name, Method(name, aligned=name not in UNALIGNED))
    return tuple(methods.values())


def _read_columns(path: Path, group: h5py.Group) -> tuple[pd.DataFrame, dict[str, ColumnInfo]]:
    """All 1-D datasets under `group`, by their path relative to it; they must be of one length."""
    data: dict[str, np.ndarray] = {}
    columns: dict[str, ColumnInfo] = {}

    def visit(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.ndim != 1:
            return
        values = item[()]
        if values.dtype.kind in "SO":
            values = np.array([_text(value) for value in values], dtype=object)
        data[name] = values
        columns[name] = ColumnInfo(_text(item.attrs.get("units", "")), _text(item.attrs.get("description", "")))

    group.visititems(visit)
    lengths = {name: len(values) for name, values in data.items()}
    if len(set(lengths.values())) > 1:
        reference = "trial" if "trial" in lengths else next(iter(lengths))
        odd = next(name for name, length in lengths.items() if length != lengths[reference])
        raise SweepFileError(
            f"{path}: {group.name}/{odd} has {lengths[odd]} rows where {group.name}/{reference} has "
            f"{lengths[reference]}"
        )
    return pd.DataFrame(data), columns


def _text(value: Any) -> str:
    """An attribute or a cell as text: null padding off, arrays joined, bytes that are not UTF-8 escaped."""
    if isinstance(value, np.ndarray):
        return ", ".join(_text(item) for item in value.ravel())
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("utf-8", errors="backslashreplace")
    return str(value)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
