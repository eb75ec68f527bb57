# SPDX-License-Identifier: Apache-2.0
"""Opens what src/store writes with h5py and xarray: readers_test.py PATH/TO/test_store

Exit code 77, which CTest takes for "skipped", where these libraries are not installed.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import xarray as xr
except ImportError as error:
    print(f"SKIPPED: {error}")
    sys.exit(77)


def engines():
    """The netCDF libraries that xarray finds here."""
    return [name for name in ("h5netcdf", "netcdf4") if name in xr.backends.list_engines()]


def check_types(folder):
    """Every dataset is one of the promised types, with Fletcher-32 and without compression."""
    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        fixed_ascii = item.dtype.kind == "S" and h5py.check_string_dtype(item.dtype).encoding == "ascii"
        assert fixed_ascii or item.dtype in ("<i8", "<f4", "<f8", "u1"), (name, item.dtype)
        assert item.fletcher32 and item.compression is None and item.chunks, name
        if item.size == 0:
            assert None in item.maxshape, f"{name} is empty and can't be extended"

    for path in sorted(folder.glob("*.h5")):
        with h5py.File(path) as file:
            assert file.attrs["schema"].decode().startswith("alignsweep."), path
            assert file.attrs["schema_version"] == 1
            file.visititems(visit)


def check_h5py(folder):
    with h5py.File(folder / "sweep.h5") as file:
        trials = file["trials"]
        assert list(trials["method"].asstr()) == ["sft", "dpo", "kto"]
        assert [text.decode() for text in trials["error"][:]] == ["", "", "step 7: NaN in grüß"]
        assert list(trials["error"].asstr("utf-8")) == ["", "", "step 7: NaN in grüß"]
        np.testing.assert_array_equal(trials["dpo.beta"], [np.nan, 0.1, np.nan])
        np.testing.assert_array_equal(trials["eval/gold_reward"], [np.nan, 4.25, np.nan])
        assert trials["eval/kl"].attrs["units"] == b"nats per sequence"
        assert trials["eval/kl"].dims[0][0].name == "/trials/trial"
        np.testing.assert_array_equal(file["curves/trial"], [1, 1, 2, 2, 2])
    with h5py.File(folder / "checkpoint.h5") as file:
        weight = file["parameters/model.norm.weight"]
        assert weight.dtype == "<f4"
        np.testing.assert_array_equal(weight, [[0, 1, 2], [3, 4, 5]])
        assert file["state"].attrs["step"] == 7 and file.attrs["name"] == b"nano"
    with h5py.File(folder / "data.h5") as file:
        data, offsets = file["prompts/bytes"][:].tobytes(), file["prompts/offsets"][:]
        texts = [data[a:b] for a, b in zip(offsets, offsets[1:])]
        assert texts == ["café".encode(), b"", b"\0\xff"], texts


def check_xarray(folder, engine):
    with xr.open_dataset(folder / "metrics.h5", engine=engine) as metrics:
        assert metrics["loss"].dims == ("step",)
        assert metrics["loss"].sel(step=2) == 0.25
    with xr.open_dataset(folder / "metrics.h5", group="objective", engine=engine) as objective:
        assert objective["kl"].dims == ("step",)
        assert objective["kl"].attrs["units"] == "nats per sequence"
    with xr.open_dataset(folder / "sweep.h5", group="trials", engine=engine) as trials:
        assert trials["dpo.beta"].dims == ("trial",)
        assert trials["dpo.beta"].sel(trial=1) == 0.1
        assert trials["seconds"].dtype == float, "xarray took seconds for time intervals"
        assert [str(name.astype(str)) for name in trials["method"].values] == ["sft", "dpo", "kto"]
        errors = [text.decode() if isinstance(text, bytes) else str(text) for text in trials["error"].values]
        assert errors == ["", "", "step 7: NaN in grüß"]
    with xr.open_dataset(folder / "sweep.h5", group="trials/eval", engine=engine) as evaluation:
        assert evaluation["gold_reward"].dims == ("trial",)
    with xr.open_dataset(folder / "sweep.h5", group="curves", engine=engine) as curves:
        assert curves["loss"].dims == ("row",) and curves["step"].dims == ("row",)
        frame = curves.to_dataframe()
        assert list(frame[frame["trial"] == 2]["loss"]) == [0.5, 0.4, 0.3]
    with xr.open_dataset(folder / "none.h5", group="trials", engine=engine) as none:
        assert none.sizes["trial"] == 0


def check_octave(folder):
    """Octave reads whole files, and fails as a whole where one text is declared as UTF-8."""
    script = f"s = load('{folder}/sweep.h5'); assert (strtrim (s.trials.error(3,:)), 'step 7: NaN in grüß')"
    subprocess.run(["octave-cli", "--no-gui", "--eval", script], check=True, stderr=subprocess.PIPE)


def check_r(folder):
    script = f"""library(rhdf5); e <- h5read("{folder}/sweep.h5", "/trials/error")
                 stopifnot(identical(charToRaw(e[3]), charToRaw("step 7: NaN in gr\\u00fc\\u00df")))"""
    subprocess.run(["Rscript", "-e", script], check=True, stderr=subprocess.PIPE)


def other_readers():
    """Those of Octave and R that are installed."""
    readers = {"Octave": check_octave} if shutil.which("octave-cli") else {}
    with_rhdf5 = ["Rscript", "-e", "library(rhdf5)"]
    if shutil.which("Rscript") and subprocess.run(with_rhdf5, capture_output=True, check=False).returncode == 0:
        readers["R"] = check_r
    return readers


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = dict(os.environ, ALIGNSWEEP_SAMPLES=name)
        subprocess.run([sys.argv[1], "--gtest_filter=Samples.*", "--gtest_brief=1"], env=environment, check=True)
        check_types(folder)
        check_h5py(folder)
        for engine in engines():
            check_xarray(folder, engine)
        for check in other_readers().values():
            check(folder)
        print(f"h5py {h5py.__version__}, xarray {xr.__version__} with {', '.join(engines()) or 'no engine'}, "
              f"{', '.join(other_readers()) or 'neither Octave nor R'}: all right")


if __name__ == "__main__":
    main()
