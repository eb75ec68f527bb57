# SPDX-License-Identifier: Apache-2.0
"""What the tests of the whole program share: running it, and reading what it left. Use as the first import of a test
that is called as TEST.py PROGRAM [unittest's own arguments]."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = Path(sys.argv.pop(1)).resolve()
MPIRUN = shutil.which(os.environ.get("ALIGNSWEEP_MPIEXEC") or "mpirun")

TINY = """
[model]
width = 16
depth = 1
heads = 2
kv_heads = 2
hidden = 32
context = 96
chunk = 8
[tokenizer]
vocabulary = 400
[world]
names = 6
values = 4
objects = 4
[corpus]
documents = 200
heldout_documents = 8
sft_examples = 24
[pretrain]
steps = 40
batch = 8
length = 32
[sft]
epochs = 2
batch = 8
[feedback]
prompts = 24
max_new_tokens = 12
[reward_model]
epochs = 1
batch = 8
[rlhf]
updates = 4
episodes = 12
minibatch = 6
max_new_tokens = 12
[dpo]
batch = 8
[kto]
batch = 8
[evaluate]
prompts = 24
max_new_tokens = 12
documents = 8
"""


def environment(**more):
    """OpenMPI refuses to start for root, and two ranks on few cores, unless told otherwise."""
    fixed = {"OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "false", "OMPI_ALLOW_RUN_AS_ROOT": "1",
             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
             "OMPI_MCA_hwloc_base_binding_policy": "none"}
    return {**os.environ, **fixed, **more}


def command(*arguments, ranks=1):
    words = [str(word) for word in (PROGRAM, *arguments)]
    return words if ranks == 1 else [MPIRUN, "-n", str(ranks), *words]


def expect_error(test, done, out, code, *parts):
    """One line on stderr that holds `parts`, nothing on stdout, the exit code, and no file `out`."""
    lines = done.stderr.splitlines()
    test.assertEqual((done.returncode, len(lines), done.stdout), (code, 1, ""), done.stderr)
    test.assertTrue(lines[0].startswith("alignsweep: error: "), lines[0])
    for part in parts:
        test.assertIn(str(part), lines[0])
    test.assertFalse(out.exists(), "nothing half-written")


def run(*arguments, ranks=1, cwd=None, **more):
    return subprocess.run(command(*arguments, ranks=ranks), capture_output=True, text=True, check=False, cwd=cwd,
                          timeout=200, env=environment(**more))


def start(*arguments, ranks=1, **more):
    return subprocess.Popen(command(*arguments, ranks=ranks), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            env=environment(**more))


def wait_until(condition, process, seconds=60.0):
    """Polls until the condition holds or the process has ended; whether it held."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        if process.poll() is not None:
            return condition()
        time.sleep(0.001)
    return False


def children(process):
    """Ids of a process's children, oldest first."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def started(stderr):
    """Ids of the stages that a run began, in order."""
    return re.findall(r"([a-z_]+-[0-9a-f]{16}): starts$", stderr, re.MULTILINE)


def manifests(out):
    """Each finished stage's manifest and when it was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in Path(out).glob("stages/*/stage.json")}


def trials(out):
    """The columns of /trials by name, as bytes or, without h5py, as h5dump's text, but for those that no two runs share:
    times, and how a run went."""
    columns = all_columns(Path(out) / "sweep.h5")
    return {name: value for name, value in columns.items() if not {"seconds", "circumstances"} & set(name.split("/"))}


def all_columns(file):
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        return dumped_columns(file)
    columns = {}
    with h5py.File(file, "r") as opened:
        def keep(name, item):
            if isinstance(item, h5py.Dataset):
                value = item[()]
                columns[name] = b"\0".join(value.tolist()) if value.dtype.kind == "S" else value.tobytes()
        opened["trials"].visititems(keep)
    return columns


def dumped_columns(file):
    text = subprocess.run(["h5dump", "-m", "%.17g", "-g", "/trials", str(file)], capture_output=True, text=True,
                          check=True).stdout
    columns, path = {}, []
    for line in text.splitlines()[1:]:
        opened = re.search(r'(GROUP|DATASET|ATTRIBUTE)? ?"?([^"{]*)"? \{$', line)
        if opened:
            path.append((opened[1], opened[2]))
        elif line.strip() == "}":
            path.pop()
        elif any(kind == "DATASET" for kind, _ in path) and not any(kind == "ATTRIBUTE" for kind, _ in path):
            name = "/".join(name for kind, name in path[1:] if kind in ("GROUP", "DATASET"))
            columns[name] = columns.get(name, "") + line
    return columns


def words(column):
    """The cells of a text column."""
    text = column.decode() if isinstance(column, bytes) else "\0".join(re.findall(r'"([^"]*)"', column))
    return [cell for cell in re.split("(?:\\\\000|\0)+", text) if cell]


def numbers(file, path):
    """A column as a list of numbers."""
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        done = subprocess.run(["h5dump", "-m", "%.17g", "-y", "-w", "0", "-d", path, str(file)], capture_output=True,
                              text=True, check=True)
        data = done.stdout.split("DATA {")[1].split("}")[0]
        return [float(word) for word in re.findall(r"[-+.\w]+", data)]
    with h5py.File(file, "r") as opened:
        return [float(value) for value in opened[path][()]]


def labels(file, path):
    """A column of labels as a list of texts."""
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        done = subprocess.run(["h5dump", "-y", "-w", "0", "-d", path, str(file)], capture_output=True, text=True, check=True)
        cells = re.findall(r'"([^"]*)"', done.stdout.split("DATA {")[1].split("}")[0])
        return [cell.split("\\000")[0] for cell in cells]
    with h5py.File(file, "r") as opened:
        return [label.decode() for label in opened[path][()]]


def attribute(file, name):
    """A number of the whole file."""
    try:
        import h5py  # pylint: disable=import-outside-toplevel
    except ImportError:
        done = subprocess.run(["h5dump", "-m", "%.17g", "-a", f"/{name}", str(file)], capture_output=True, text=True,
                              check=True)
        return float(done.stdout.split("(0): ")[1].split()[0])
    with h5py.File(file, "r") as opened:
        return float(opened.attrs[name])


def write_rows(file, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


class TinySweep(unittest.TestCase):
    """A sweep of TINY and `settings`, made once for the tests of a class: `ini` and `reference` in `folder`."""

    prefix, ini_name, settings = "alignsweep-regression-", "tiny.ini", ""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix=cls.prefix)
        cls.folder = Path(cls.temporary.name)
        cls.ini = cls.folder / cls.ini_name
        cls.ini.write_text(TINY + cls.settings)
        cls.reference = cls.folder / "reference"
        cls.done = run("sweep", cls.ini, "--out", cls.reference)
        assert cls.done.returncode == 0, cls.done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()
