#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of models that are damaged or lie, and surroundings that Kokkos would abort on: one line, exit 2 or 3, no
memory taken. Use: bad_model_test.py PROGRAM"""

import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "regression"))
import program  # pylint: disable=wrong-import-position

try:
    import h5py
    import numpy
except ImportError:
    h5py = None

POLICY = TESTS / "golden" / "hf" / "policy"
USAGE, IO = 2, 3
ROW = {"prompt_ids": [1, 2, 3], "completion_ids": [4, 5]}


def read_safetensors(file):
    """Name -> (dtype, shape, bytes)."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + length])
    header.pop("__metadata__", None)
    return {name: (item["dtype"], item["shape"], raw[8 + length:][slice(*item["data_offsets"])])
            for name, item in header.items()}


def write_safetensors(file, tensors):
    header, at = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(item[2] for item in tensors.values()))


class BadModel(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="alignsweep models é ")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.data = self.folder / "rows.jsonl"
        self.data.write_text(json.dumps(ROW) + "\n")
        self.model = self.folder / "llama"
        shutil.copytree(POLICY, self.model)
        for file in self.model.iterdir():
            file.chmod(0o644)

    def score(self, model, *more, **variables):
        command = [program.PROGRAM, "score", model, "--data", self.data, "--method", "lm", "--out",
                   self.folder / "scores.h5", *more]
        environment = {**program.environment(), **variables}
        limit = 2 << 30  # of address space: whoever takes a file's word for its size ends here

        def bound():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment,
                              timeout=120, preexec_fn=bound)

    def expect(self, done, code, *parts):
        lines = [line for line in done.stderr.splitlines() if line and not line.startswith("libgomp")]
        self.assertEqual((done.returncode, len(lines)), (code, 1), done.stderr[:2000])
        self.assertTrue(lines[0].startswith("alignsweep: error: "), lines[0])
        self.assertLess(len(lines[0].encode()), 1100)
        self.assertNotIn("internal error", lines[0])
        for part in parts:
            self.assertIn(str(part), lines[0])

    # --- JSON ---

    def test_json_of_a_folder(self):
        deep = '{"x": ' + "[" * 75000 + "]" * 75000 + "}"
        huge = (self.model / "config.json").read_text().replace("{", '{"unread": 1e400,', 1)
        for name in ("config.json", "tokenizer_config.json"):
            before = (self.model / name).read_text()
            for text, part in ((deep, "nest"), (huge, "range"), ("{", "JSON")):
                with self.subTest(name=name, part=part):
                    (self.model / name).write_text(text)
                    self.data.write_text(json.dumps({"prompt": "a", "completion": " b"}) + "\n")
                    self.expect(self.score(self.model), IO, f"{name}:1", part)
            (self.model / name).write_text(before)
        index = self.model / "model.safetensors.index.json"
        (self.model / "model.safetensors").rename(self.folder / "kept")
        index.write_text(deep)
        self.expect(self.score(self.model), IO, "index.json:1", "nest")
        index.unlink()
        for text in (deep, '{"x": 1e400}'):
            (self.model / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text.encode())
            self.expect(self.score(self.model), IO, "model.safetensors:1")

    def test_a_tied_model_that_holds_its_head_alone(self):
        config = json.loads((self.model / "config.json").read_text())
        tensors = read_safetensors(self.model / "model.safetensors")
        tensors.pop("lm_head.weight", None)
        (self.model / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
        file = self.model / "model.safetensors"
        write_safetensors(file, tensors)
        as_usual = self.score(self.model)
        self.assertEqual(as_usual.returncode, 0, as_usual.stderr)
        tensors["lm_head.weight"] = tensors.pop("model.embed_tokens.weight")
        write_safetensors(file, tensors)
        as_head = self.score(self.model)
        self.assertEqual((as_head.returncode, as_head.stdout), (0, as_usual.stdout), as_head.stderr)
        (self.model / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
        self.expect(self.score(self.model), IO, "model.embed_tokens.weight", "missing")

    def test_rope_scaling_that_scales_nothing(self):
        config = json.loads((self.model / "config.json").read_text())
        before = self.score(self.model).stdout
        for scaling in ({"rope_type": "default"}, {"type": "default"}, {"rope_type": "default", "factor": None}, None):
            (self.model / "config.json").write_text(json.dumps({**config, "rope_scaling": scaling}))
            self.assertEqual(self.score(self.model).stdout, before, scaling)
        for scaling in ({}, {"factor": 2.0}, {"type": "linear", "factor": 2.0}, [], 1, {"rope_type": None},
                        {"rope_type": "default", "factor": 2.0}, {"type": "default", "rope_type": "yarn"}):
            (self.model / "config.json").write_text(json.dumps({**config, "rope_scaling": scaling}))
            self.expect(self.score(self.model), USAGE, "rope_scaling")

    def test_weights_that_are_not_finite(self):
        tensors = read_safetensors(self.model / "model.safetensors")
        tensors = {name: (kind, shape, b"\xff" * len(data)) for name, (kind, shape, data) in tensors.items()}
        write_safetensors(self.model / "model.safetensors", tensors)
        self.expect(self.score(self.model), IO, self.model, "not finite")

    # --- checkpoint.h5 ---

    def checkpoint(self):
        config = json.loads((POLICY / "config.json").read_text())
        rope = config.get("rope_parameters") or config
        shape = {"vocabulary": config["vocab_size"], "width": config["hidden_size"],
                 "depth": config["num_hidden_layers"], "heads": config["num_attention_heads"],
                 "kv_heads": config["num_key_value_heads"], "hidden": config["intermediate_size"],
                 "context": config["max_position_embeddings"], "tied": int(config["tie_word_embeddings"]),
                 "scalar_head": 0}
        file = self.folder / "model.h5"
        with h5py.File(file, "w") as out:
            out.attrs["schema"] = "alignsweep.checkpoint"
            out.attrs["schema_version"] = 1
            for name, value in shape.items():
                out.attrs[name] = value
            out.attrs["rope_theta"] = float(rope["rope_theta"])
            out.attrs["norm_eps"] = float(config["rms_norm_eps"])
            for name, (kind, dims, data) in read_safetensors(POLICY / "model.safetensors").items():
                if kind == "BF16":
                    values = (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
                else:
                    values = numpy.frombuffer(data, {"F32": "<f4", "F16": "<f2", "F64": "<f8"}[kind])
                out[f"parameters/{name}"] = values.astype("<f4").reshape(dims)
        return file

    @unittest.skipUnless(h5py, "needs h5py")
    def test_attributes_of_a_checkpoint(self):
        good = self.score(self.checkpoint())
        self.assertEqual(good.returncode, 0, good.stderr)
        odd = [0, -1, 3, 1 << 31, 1 << 32, 1 << 40, (1 << 62), "text", 2.5, float("nan"), float("inf"), 1e308]
        for name in ("vocabulary", "width", "depth", "heads", "kv_heads", "hidden", "context", "tied", "scalar_head",
                     "rope_theta", "norm_eps"):
            for value in [*odd, None]:
                if (name, value) in (("context", 3), ("tied", 0), ("scalar_head", 0)):
                    continue  # odd, and allowed
                if name in ("rope_theta", "norm_eps") and value in (2.5, 1e308):
                    continue
                with self.subTest(name=name, value=value):
                    file = self.checkpoint()
                    with h5py.File(file, "r+") as out:
                        del out.attrs[name]
                        if value is not None:
                            out.attrs[name] = value
                    self.expect(self.score(file), IO, file)

    @unittest.skipUnless(h5py, "needs h5py")
    def test_datasets_of_a_checkpoint(self):
        name = "parameters/model.embed_tokens.weight"
        for make in (lambda f: f.create_dataset(name, (1 << 30,), "f4", chunks=(1 << 18,)),  # sparse: 4 GB of nothing
                     lambda f: f.create_dataset(name, (1 << 15, 1 << 15), "f4"),
                     lambda f: f.create_dataset(name, (4, 4), "f4"),
                     lambda f: f.create_dataset(name, (), "f4"),
                     lambda f: f.create_dataset(name, data=["a"]),
                     lambda f: f.create_group(name),
                     lambda f: f.create_dataset("optimizer/first", (1 << 31,), "f4", chunks=(1 << 18,)),
                     lambda f: f.create_dataset("parameters/other", (1 << 31,), "f4", chunks=(1 << 18,))):
            file = self.checkpoint()
            with h5py.File(file, "r+") as out:
                try:
                    make(out)
                except (ValueError, OSError, RuntimeError):
                    del out[name]
                    make(out)
            self.assertLess(file.stat().st_size, 64 << 20)
            done = self.score(file)
            self.expect(done, IO, file)
            self.assertNotIn("memory", done.stderr, "seen before any is taken")

    # --- Kokkos and OpenMP ---

    def test_surroundings(self):
        for variable, *values in (("KOKKOS_NUM_THREADS", "0", "abc", "-1", "1024", "1000000000", "", "1.5", "x" * 200000),
                                  ("KOKKOS_DEVICE_ID", "-1", "abc"), ("KOKKOS_MAP_DEVICE_ID_BY", "x"),
                                  ("KOKKOS_DISABLE_WARNINGS", "abc"), ("KOKKOS_PRINT_CONFIGURATION", "x"),
                                  ("KOKKOS_TUNE_INTERNALS", "2"), ("KOKKOS_TOOLS_LIBS", "/no/where.so"),
                                  ("KOKKOS_PROFILE_LIBRARY", "/no/where.so"), ("OMP_NUM_THREADS", "0", "abc", "2,x"),
                                  ("OMP_PROC_BIND", "nonsense")):
            for value in values:
                if len(value) > 100000 and resource.getpagesize() < 65536:
                    value = value[:100000]  # the kernel's own limit of one variable
                with self.subTest(variable=variable, value=value[:20]):
                    self.expect(self.score(POLICY, **{variable: value}), USAGE, variable)
        for flag in ("--kokkos-num-threads=0", "--kokkos-num-threads=abc", "--kokkos-num-threads", "--kokkos-bogus",
                     "--kokkos-device-id=x", "--kokkos-map-device-id-by=x", "--kokkos-disable-warnings=x",
                     "--kokkos-tools-libs=/no/where.so", "--kokkos-"):
            with self.subTest(flag=flag):
                self.expect(self.score(POLICY, flag), USAGE, flag.split("=", maxsplit=1)[0])
        for threads in ("-1", "1025", "1000000000", "abc", "99999999999999999999"):
            self.expect(self.score(POLICY, f"--threads={threads}"), USAGE, "threads")
        for good in ({"KOKKOS_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": "2,1"}, {"KOKKOS_DISABLE_WARNINGS": "True"}):
            done = self.score(POLICY, **good)
            self.assertEqual((done.returncode, done.stderr), (0, ""), good)
        ini = self.folder / "x.ini"
        ini.write_text(program.TINY)
        done = program.run("sweep", ini, "--out", self.folder / "out", "--kokkos-num-threads=0")
        self.expect(done, USAGE, "--kokkos-num-threads")
        self.assertFalse((self.folder / "out").exists())

    # --- messages ---

    def test_names_and_values_of_any_length(self):
        ini = self.folder / "x.ini"
        ini.write_text(program.TINY)
        long = "x" * 100000
        for text in (f"dpo.beta={long}", f"dpo.{long}=1", f"{long}.beta=1", f"sweep.seed={long}", f"sweep.{long}=1",
                     f"sweep.method={long}", f"sweep.dpo.beta={long}", long, "dpo.beta=\u202e1", f"data.corpus={long}",
                     "dpo.beta=a\nb", "dpo.beta=a\tb"):
            with self.subTest(text=text[:20]):
                done = program.run("plan", ini, "--set", text)
                self.assertIn(done.returncode, (USAGE, IO))
                self.expect(done, done.returncode)
        for name in ("new\nline", "tab\there", "é" * 120, os.fsdecode(b"bad\xff\xfe")):
            for done in (program.run("plan", self.folder / name), program.run("status", self.folder / name),
                         self.score(self.folder / name), program.run("plan", ini, "--set", f"a{name}=1")):
                self.assertIn(done.returncode, (USAGE, IO))
                self.expect(done, done.returncode)
        for words in ((long,), ("plan", "--" + long), ("plan", long), ("status", long), ("score", long)):
            done = program.run(*words)
            self.assertIn(done.returncode, (USAGE, IO))
            self.expect(done, done.returncode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
