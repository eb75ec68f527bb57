#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alignsweep score`: agreement with transformers (golden/hf), with the stages' own numbers, and its errors.
Use: score_test.py PROGRAM"""

import gzip
import json
import math
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
from program import attribute, numbers, run, write_rows  # pylint: disable=wrong-import-position

GOLDEN = TESTS / "golden" / "hf"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
TOLERANCE = {"float": 1e-5, "double": 1e-10}  # relative to the largest number
USAGE, IO = 2, 3


def write_bytes(file, content):
    file.write_bytes(content)
    return file


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


class Score(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="alignsweep-score-")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.out = self.folder / "scores.h5"

    def score(self, policy, data, method, *more, scalar="double"):
        done = run("score", policy, "--data", data, "--method", method, "--out", self.out, "--scalar", scalar, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def column(self, path):
        return numbers(self.out, path)

    def expect_close(self, got, want, tolerance, what):
        self.assertEqual(len(got), len(want), what)
        scale = max(abs(x) for x in want)
        worst = max(abs(a - b) for a, b in zip(got, want))
        self.assertLessEqual(worst, tolerance * scale, what)

    def expect_columns(self, scalar, *names):
        for name in names:
            self.expect_close(self.column(name), EXPECTED[name], TOLERANCE[scalar], f"{name} in {scalar}")

    def expect_error(self, done, code, *parts):
        program.expect_error(self, done, self.out, code, *parts)

    def refuse(self, code, *parts, policy=GOLDEN / "policy", reference=GOLDEN / "reference", data=GOLDEN / "pairs.jsonl",
               method="dpo", more=()):
        words = ["score", policy, "--data", data, "--method", method, "--out", self.out, *more]
        if reference:
            words += ["--reference", reference]
        self.expect_error(run(*words), code, *parts)

    def copy(self, name="policy"):
        return Path(shutil.copytree(GOLDEN / name, self.folder / "copies" / name, dirs_exist_ok=True))


class Golden(Score):
    """The folders that transformers wrote, and its log-probabilities in float64."""

    def test_pairs_of_texts_and_of_ids(self):
        names = ("logps/chosen", "logps/rejected", "ref_logps/chosen", "ref_logps/rejected")
        ids = write_rows(self.folder / "ids.jsonl.gz", EXPECTED["ids"])
        for data in (GOLDEN / "pairs.jsonl", ids):
            for scalar in TOLERANCE:
                with self.subTest(data=data.name, scalar=scalar):
                    self.score(GOLDEN / "policy", data, "dpo", "--reference", GOLDEN / "reference", scalar=scalar)
                    self.expect_columns(scalar, *names)
        chosen, rejected, other_chosen, other_rejected = (self.column(name) for name in names)
        self.assertEqual(self.column("tokens/chosen"), [float(len(row["chosen_ids"])) for row in EXPECTED["ids"]])
        better = [0.1 * (a - b) for a, b in zip(chosen, other_chosen)]
        worse = [0.1 * (a - b) for a, b in zip(rejected, other_rejected)]
        self.expect_close(self.column("rewards/chosen"), better, 1e-14, "rewards/chosen")
        self.expect_close(self.column("rewards/rejected"), worse, 1e-14, "rewards/rejected")
        loss = [-math.log(sigmoid(a - b)) for a, b in zip(better, worse)]
        self.expect_close(self.column("loss"), loss, 1e-13, "loss")
        self.assertEqual(self.column("line"), [float(i + 1) for i in range(len(loss))])

    def test_losses_by_set(self):
        self.score(GOLDEN / "policy", GOLDEN / "pairs.jsonl", "dpo", "--set", "dpo.loss=simpo", "--set", "dpo.beta=2")
        means = [[p / n for p, n in zip(self.column(f"logps/{answer}"), self.column(f"tokens/{answer}"))]
                 for answer in ("chosen", "rejected")]
        loss = [-math.log(sigmoid(2.0 * (a - b - 0.3))) for a, b in zip(*means)]
        self.expect_close(self.column("loss"), loss, 1e-13, "simpo")

    def test_thumbs(self):
        ids = write_rows(self.folder / "ids.jsonl", EXPECTED["thumbs"])
        for scalar in TOLERANCE:
            self.score(GOLDEN / "policy", ids, "kto", "--reference", GOLDEN / "reference", scalar=scalar)
            self.expect_columns(scalar, *(f"{name}/{which}" for name in ("logps", "ref_logps")
                                          for which in ("completion", "mismatched")))
        self.assertEqual(self.column("label"), [float(row["label"]) for row in EXPECTED["thumbs"]])
        self.assertLess(sum(self.column("logps/mismatched")), sum(self.column("ref_logps/mismatched")))
        self.assertEqual(set(self.column("kl")), {0.0}, "z0 is never below 0")
        # The other way round the mean log-ratio of the mismatched is above 0.
        self.score(GOLDEN / "reference", ids, "kto", "--reference", GOLDEN / "policy", "--set", "kto.beta=0.2",
                   "--set", "kto.lambda_undesirable=3")
        ratios = [a - b for a, b in zip(EXPECTED["ref_logps/mismatched"], EXPECTED["logps/mismatched"])]
        z0 = sum(ratios) / len(ratios)
        self.assertGreater(z0, 0.5)
        self.expect_close(self.column("kl"), [z0] * len(ratios), 1e-10, "kl")
        loss = []
        for row, theirs, ours in zip(EXPECTED["thumbs"], EXPECTED["logps/completion"], EXPECTED["ref_logps/completion"]):
            margin = ours - theirs - z0
            loss.append(1.0 - sigmoid(0.2 * margin) if row["label"] else 3.0 * (1.0 - sigmoid(-0.2 * margin)))
        self.expect_close(self.column("loss"), loss, 1e-10, "loss")

    def test_a_matched_loss_is_over_the_whole_file(self):
        self.score(GOLDEN / "policy", GOLDEN / "pairs.jsonl", "dpo", "--reference", GOLDEN / "reference", "--set",
                   "dpo.loss=aot", "--set", "dpo.beta=0.3", "--set", "dpo.label_smoothing=0.1")
        margins, references = ([a - b for a, b in zip(EXPECTED[f"{kind}/chosen"], EXPECTED[f"{kind}/rejected"])]
                               for kind in ("logps", "ref_logps"))
        rank = {margin: i for i, margin in enumerate(sorted(margins))}
        matched = [sorted(references)[rank[margin]] for margin in margins]
        self.assertNotEqual(matched, references)
        gaps = [0.3 * (a - b) for a, b in zip(margins, matched)]
        loss = [-0.9 * math.log(sigmoid(gap)) - 0.1 * math.log(sigmoid(-gap)) for gap in gaps]
        self.expect_close(self.column("loss"), loss, 1e-10, "aot")

    def test_z0_is_the_mean_over_the_rows_that_have_a_partner(self):
        long = {"KL_completion_ids": [5] * 79}  # does not fit the reference's context of 80 after any prompt
        rows = [EXPECTED["thumbs"][0] | long, *EXPECTED["thumbs"][1:]]
        data = write_rows(self.folder / "ids.jsonl", rows)
        self.score(GOLDEN / "reference", data, "kto", "--reference", GOLDEN / "policy")
        ratios = [a - b for a, b in zip(EXPECTED["ref_logps/mismatched"], EXPECTED["logps/mismatched"])][1:]
        self.assertTrue(math.isnan(self.column("logps/mismatched")[0]))
        self.expect_close(self.column("kl"), [sum(ratios) / len(ratios)] * len(rows), 1e-10, "kl")

    def test_thumbs_of_texts_draw_their_partners(self):
        arguments = (GOLDEN / "policy", GOLDEN / "thumbs.jsonl", "kto", "--reference", GOLDEN / "reference")
        drawn = []
        for seed in (1, 1, 2):
            self.score(*arguments, "--set", f"seed.feedback={seed}")
            self.expect_columns("double", "logps/completion", "ref_logps/completion")
            drawn.append(self.column("logps/mismatched"))
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        self.score(*arguments, "--set", "kto.loss=apo_zero_unpaired")
        self.assertNotIn("kl", self.score(*arguments, "--set", "kto.loss=apo_zero_unpaired").split())

    def test_rewards(self):
        for scalar in TOLERANCE:
            self.score(GOLDEN / "reward", GOLDEN / "pairs.jsonl", "reward", "--set", "reward_model.centering=0.5",
                       "--set", "reward_model.margin=0.2", scalar=scalar)
            self.expect_columns(scalar, "rewards/chosen", "rewards/rejected")
        loss = [-math.log(sigmoid(a - b - 0.2)) + 0.5 * (a + b) ** 2
                for a, b in zip(EXPECTED["rewards/chosen"], EXPECTED["rewards/rejected"])]
        self.expect_close(self.column("loss"), loss, 1e-10, "loss")

    def test_language_model(self):
        self.score(GOLDEN / "policy", GOLDEN / "thumbs.jsonl", "lm")
        self.expect_columns("double", "logps/completion")
        tokens = [len(row["completion_ids"]) for row in EXPECTED["thumbs"]]
        self.assertEqual(self.column("tokens"), [float(n) for n in tokens])
        self.expect_close(self.column("loss"), [-p / n for p, n in zip(EXPECTED["logps/completion"], tokens)], 1e-10, "loss")
        mean = -sum(EXPECTED["logps/completion"]) / sum(tokens)
        self.assertAlmostEqual(attribute(self.out, "token_loss"), mean, places=10)  # over tokens, not over rows
        # Without a prompt the first token is not predicted.
        write_rows(self.folder / "alone.jsonl", [{"completion_ids": [5, 6, 7]}, {"completion_ids": [5]}])
        self.score(GOLDEN / "policy", self.folder / "alone.jsonl", "lm")
        self.assertEqual((self.column("tokens"), self.column("line")), ([2.0], [1.0]))

    def test_the_end_token_may_be_named_by_config_json_alone(self):
        folder = self.copy()
        file = folder / "tokenizer_config.json"
        config = json.loads(file.read_text())
        del config["eos_token"]
        file.write_text(json.dumps(config))
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": EXPECTED["ids"][0]["chosen_ids"][-1]}))
        self.score(folder, GOLDEN / "pairs.jsonl", "dpo", "--reference", GOLDEN / "reference")
        self.expect_columns("double", "logps/chosen")  # a rejected answer spells the token out, which is now mere text

    def test_chunk_threads_and_repetition(self):
        columns = []
        for chunk in (32, 32, 1, 3):
            self.score(GOLDEN / "policy", GOLDEN / "pairs.jsonl", "dpo", "--reference", GOLDEN / "reference", "--set",
                       f"model.chunk={chunk}", "--threads", 1 + chunk % 2, scalar="float")
            columns.append(self.column("logps/chosen"))
        self.assertEqual(columns[0], columns[1])
        for other in columns[2:]:
            self.expect_close(other, columns[0], 1e-6, "chunk")

    def test_shards_and_a_tied_head_stored_twice(self):
        folder = self.copy()
        raw = (folder / "model.safetensors").read_bytes()
        header, data = read_safetensors(raw)
        names = sorted(name for name in header if name != "__metadata__")
        weight_map = {}
        for i, part in enumerate((names[::2], names[1::2])):
            weight_map |= {name: f"part{i}.safetensors" for name in part}
            (folder / f"part{i}.safetensors").write_bytes(pack({n: (header[n], data[n]) for n in part}))
        (folder / "model.safetensors").unlink()
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
        reference = self.copy("reference")
        header, data = read_safetensors((reference / "model.safetensors").read_bytes())
        embedding = "model.embed_tokens.weight"
        tensors = {n: (header[n], data[n]) for n in data}
        head = tensors[embedding]
        (reference / "model.safetensors").write_bytes(pack(tensors | {"lm_head.weight": head}))
        self.score(folder, GOLDEN / "pairs.jsonl", "dpo", "--reference", reference)
        self.expect_columns("double", "logps/chosen", "ref_logps/rejected")
        other = (head[0], bytes(reversed(head[1])))
        (reference / "model.safetensors").write_bytes(pack(tensors | {"lm_head.weight": other}))
        self.out.unlink()
        self.refuse(IO, "lm_head.weight", "tie_word_embeddings", reference=reference)

    def test_too_long(self):
        long = {"prompt_ids": list(range(90)), "chosen_ids": [1, 2], "rejected_ids": [3]}
        data = write_rows(self.folder / "long.jsonl", [long, *EXPECTED["ids"]])
        arguments = (GOLDEN / "policy", data, "dpo", "--reference", GOLDEN / "reference")  # contexts of 96 and 80
        self.assertIn("1 too long", self.score(*arguments))
        self.assertEqual(self.column("line")[0], 2.0)
        self.expect_columns("double", "logps/chosen")
        self.score(*arguments, "--set", "data.too_long=truncate_left")
        cut = [{**long, "prompt_ids": long["prompt_ids"][12:]}]
        both = [self.column(name)[0] for name in ("logps/chosen", "logps/rejected")]
        self.score(GOLDEN / "policy", write_rows(data, cut), *arguments[2:])
        self.assertEqual([self.column(name)[0] for name in ("logps/chosen", "logps/rejected")], both)
        self.out.unlink()
        self.refuse(USAGE, "long.jsonl:1", "context", data=write_rows(data, [long]),
                    more=("--set", "data.too_long=error"))


def read_safetensors(raw):
    """The header, and the bytes of each tensor."""
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    tensors = {name: value for name, value in header.items() if name != "__metadata__"}
    return header, {name: raw[8 + length:][slice(*value["data_offsets"])] for name, value in tensors.items()}


def pack(tensors):
    """A safetensors file of {name: (header entry, bytes)}."""
    header, data = {}, b""
    for name, (entry, content) in tensors.items():
        header[name] = {**entry, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Errors(Score):
    def test_usage(self):
        self.expect_error(run("score"), USAGE, "POLICY")
        self.expect_error(run("score", "a", "b"), USAGE, "more than one POLICY")
        self.expect_error(run("score", "a"), USAGE, "no --data")
        self.refuse(USAGE, "ppo", "dpo, kto, reward or lm", method="ppo")
        self.refuse(USAGE, "--scalar half", more=("--scalar", "half"))
        self.refuse(USAGE, "dpo.btea", "dpo.beta", more=("--set", "dpo.btea=1"))
        self.refuse(USAGE, "dpo.loss", "ipo", more=("--set", "dpo.loss=ipso"))
        self.refuse(USAGE, "kto.beta", "does not read", "dpo.beta", more=("--set", "kto.beta=1"))
        self.refuse(USAGE, "label_smoothing", more=("--set", "dpo.label_smoothing=0.1"))
        self.refuse(USAGE, "--reference", "sigmoid", reference=None)
        self.refuse(USAGE, "--reference", "kto", reference=None, method="kto", data=GOLDEN / "thumbs.jsonl")
        self.refuse(USAGE, "--reference", method="lm", data=GOLDEN / "thumbs.jsonl")
        self.refuse(USAGE, "reward model", policy=GOLDEN / "reward")
        self.refuse(USAGE, "no scalar head", method="reward", reference=None)
        self.refuse(USAGE, "reward model", reference=GOLDEN / "reward")

    def test_files_that_are_not_there(self):
        self.refuse(IO, "nowhere", "there is no such model", policy=self.folder / "nowhere")
        self.refuse(IO, self.folder, "is not a model", policy=self.folder)
        self.refuse(IO, "nowhere.jsonl", data=self.folder / "nowhere.jsonl")
        self.refuse(IO, "tokenizer.json", "--tokenizer", policy=GOLDEN / "reference")
        self.out = self.folder / "missing" / "scores.h5"
        self.refuse(IO, "missing", "no folder")

    def test_out_is_something_else(self):
        self.out.write_text("a file of mine")
        done = run("score", GOLDEN / "policy", "--data", GOLDEN / "pairs.jsonl", "--method", "dpo", "--out", self.out)
        self.assertEqual(done.returncode, IO)
        self.assertIn("not replaced", done.stderr)
        self.assertEqual(self.out.read_text(), "a file of mine")

    def test_rows(self):
        def rows(*lines):
            (self.folder / "rows.jsonl").write_text("\n".join(lines))
            return self.folder / "rows.jsonl"
        good = json.dumps(EXPECTED["ids"][0])
        self.refuse(IO, "rows.jsonl:2", "0 to 383", data=rows(good, good.replace("[", "[384, ", 1)))
        self.refuse(IO, "rows.jsonl:2", "JSON", data=rows(good, "{"))
        self.refuse(IO, "rows.jsonl:1", "rejected", data=rows('{"prompt": "a", "chosen": "b"}'))
        self.refuse(USAGE, "two different prompts", method="kto",
                    data=rows('{"prompt_ids": [1], "completion_ids": [2], "label": true}'))

    def test_shapes_of_files(self):
        """What `datasets` and TRL read beside plain JSONL: the same rows give the same numbers."""
        rows = [json.loads(line) for line in (GOLDEN / "pairs.jsonl").read_text().splitlines()]
        chat = [{"prompt": [{"role": "user", "content": "When?"}], "chosen": [{"role": "assistant", "content": "At ten."}],
                 "rejected": [{"role": "assistant", "content": "Never."}]}]
        parts = [{key: [message | {"content": [{"type": "text", "text": message["content"]}]} for message in value]
                  for key, value in chat[0].items()}]
        implicit = [{"prompt": None, "chosen": chat[0]["prompt"] + chat[0]["chosen"],
                     "rejected": chat[0]["prompt"] + chat[0]["rejected"]}]
        folder = self.folder / "räume und namen"
        folder.mkdir()

        def loss(text, name="rows.json", method="dpo", *more):
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
            more = (*more, "--reference", GOLDEN / "reference") if method == "dpo" else more
            said = self.score(GOLDEN / "policy", folder / name, method, *more)
            return self.column("loss"), said

        plain = loss("".join(json.dumps(row) + "\n" for row in rows))[0]
        self.assertEqual(len(plain), len(rows))
        array = json.dumps(rows, indent=2)
        for text in (array, json.dumps(rows) + "\n", "\ufeff" + array.replace("\n", "\r\n"), gzip.compress(array.encode()),
                     "\n".join(json.dumps(row, indent=1) for row in rows),
                     "".join(json.dumps(row | {"score": math.nan, "bound": -math.inf}) + "\r\n" for row in rows)):
            self.assertEqual(loss(text)[0], plain)
        self.assertEqual(loss(array)[0], plain)
        self.assertEqual(self.column("line")[:2], [2.0, 2.0 + len(rows[0]) + 2])
        expected = loss(json.dumps(chat[0]))[0]
        self.assertEqual(loss(json.dumps(parts))[0], expected)
        self.assertEqual(loss(json.dumps(implicit))[0], expected)
        messages = {"messages": chat[0]["prompt"] + chat[0]["chosen"]}
        self.assertEqual(loss(json.dumps(messages), method="lm")[0],
                         loss(json.dumps({"prompt": chat[0]["prompt"], "completion": chat[0]["chosen"]}), method="lm")[0])

    def test_bad_rows(self):
        good = json.dumps(EXPECTED["ids"][0])
        call = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {}}}]}
        answer = {"role": "assistant", "content": "At ten."}
        cases = {"ids": [good, good.replace("[", "[384, ", 1), "{", good],
                 "texts": [json.dumps({"prompt": "a", "chosen": " b", "rejected": " c"}), '{"prompt": "a"}', "nothing",
                           json.dumps({"prompt": "a", "chosen": [call, answer], "rejected": [answer]})]}
        data = self.folder / "rows.jsonl"
        for name, lines in cases.items():
            with self.subTest(rows=name):
                data.write_text("\n".join(lines) + "\n")
                self.out.unlink(missing_ok=True)
                self.refuse(IO, "rows.jsonl:2: ", data=data)
                self.refuse(IO, "rows.jsonl:2: ", data=data, more=("--set", "data.bad_rows=error"))
                done = run("score", GOLDEN / "policy", "--reference", GOLDEN / "reference", "--data", data, "--method", "dpo",
                           "--out", self.out, "--set", "data.bad_rows=skip")
                bad = len(lines) - (2 if name == "ids" else 1)
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 1), done.stderr)
                self.assertIn(f"{data}: {bad} rows skipped: line 2 (", done.stderr)
                self.assertIn(", line 3 (not valid JSON at byte ", done.stderr)
                self.assertIn(f"{bad} bad", done.stdout)
                self.assertEqual(attribute(self.out, "rows_bad"), bad)
                self.assertEqual(self.column("line")[0], 1.0)
        self.out.unlink()
        self.refuse(IO, "rows.jsonl:2", "without a usable row", "line 1 (", data=write_bytes(data, b"no json\nat all\n"),
                    more=("--set", "data.bad_rows=skip"))
        self.refuse(USAGE, "data.bad_rows", "error, skip", more=("--set", "data.bad_rows=drop"))

    def test_rows_that_would_break_a_parser(self):
        good = b'{"prompt": "a", "chosen": " b", "rejected": " c", "more": '
        data = self.folder / "rows.jsonl"
        ids = b'{"chosen_ids": [1], "rejected_ids": [2], "more": '
        for begin in (good, ids):
            for value, part in ((b"[" * 75000, "deeper than 200"), (b'{"a":' * 75000, "deeper than 200"),
                                (b"[1e400]}", "field 'more[0]'"), (b'1, "more": 2}', "field 'more'"),
                                (b'"' + b"x" * 200000 + b'\xff"}', "not valid JSON")):
                self.refuse(IO, "rows.jsonl:1: ", part, data=write_bytes(data, begin + value + b"\n"))
                self.refuse(IO, "rows.jsonl:3: ", part, data=write_bytes(data, b"[\n\n" + begin + value + b"]" * 75002))
        self.refuse(IO, "rows.jsonl: is UTF-16", data=write_bytes(data, (good + b"1}").decode().encode("utf-16")))
        line = gzip.compress(good + b'"') + gzip.compress(b"x" * (1 << 20)) * 33
        self.refuse(IO, "rows.jsonl:1: the row is longer than 32 MiB", data=write_bytes(data, line))

    def test_conversations_need_no_chat_template(self):
        message = [{"role": "user", "content": "Say 😀"}]
        row = {"prompt": message, "chosen": [{"role": "assistant", "content": "x"}],
               "rejected": [{"role": "assistant", "content": "y"}]}
        data = write_rows(self.folder / "chat.jsonl", [row])
        self.score(GOLDEN / "policy", data, "dpo", "--reference", GOLDEN / "reference")
        folder = self.copy()
        (folder / "chat_template.jinja").write_text("{{ messages }}")
        self.out.unlink()
        self.refuse(USAGE, "chat template", policy=folder, data=data)

    def test_switches_that_contradict_the_tokenizer(self):
        folder = self.copy()
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"add_bos_token": False}))
        self.refuse(USAGE, "add_bos_token", policy=folder)

    def test_models_that_are_not_supported(self):
        folder = self.copy()
        config = json.loads((folder / "config.json").read_text())
        for change, part in (({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_scaling"),
                             ({"model_type": "qwen2"}, "qwen2"), ({"hidden_act": "gelu"}, "gelu"),
                             ({"rope_parameters": {"rope_type": "default"}}, "rope_theta")):
            (folder / "config.json").write_text(json.dumps(config | change))
            self.refuse(USAGE, "config.json", part, policy=folder)
        (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 33}))
        self.refuse(IO, "gate_proj", "[32, 24]", "[33, 24]", policy=folder)
        (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
        self.refuse(IO, "model.layers.2", "missing", policy=folder)
        (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
        self.refuse(IO, "model.layers.1", "no such tensor", policy=folder)

    def test_damaged_weights(self):
        folder = self.copy()
        file = folder / "model.safetensors"
        raw = file.read_bytes()
        for damage in (raw[:-1], raw[:1000], raw[:5], b"", raw + b"\0", b"\xff" * 8 + raw[8:], raw[:8] + b"[" + raw[9:]):
            file.write_bytes(damage)
            self.refuse(IO, file, policy=folder)
        header, data = read_safetensors(raw)
        bad = data["model.norm.weight"][:-4] + struct.pack("<f", math.nan)
        file.write_bytes(pack({n: (header[n], bad if n == "model.norm.weight" else data[n]) for n in data}))
        self.refuse(IO, folder, "not finite", policy=folder)
        file.write_bytes(struct.pack("<Q", 75_000) + b"[" * 75_000)
        self.refuse(IO, "model.safetensors:1", "deeper", policy=folder)

    def test_the_temperature_of_discopop(self):
        words = ("dpo", "--reference", GOLDEN / "reference", "--set", "dpo.loss=discopop")
        losses = []
        for tau in (0.05, 1.0):
            self.score(GOLDEN / "policy", GOLDEN / "pairs.jsonl", *words, "--set", f"dpo.discopop_tau={tau}")
            losses.append(self.column("loss"))
        self.assertNotEqual(losses[0], losses[1])


class Checkpoints(Score):
    """A sweep's own stages."""

    @classmethod
    def setUpClass(cls):
        cls.results = tempfile.TemporaryDirectory(prefix="alignsweep-score-")
        folder = Path(cls.results.name)
        (folder / "x.ini").write_text(program.TINY + "[sweep]\nmethod = dpo, rlhf\n")
        done = run("sweep", folder / "x.ini", "--out", folder / "out")
        assert done.returncode == 0, done.stderr
        cls.stage = {name: next((folder / "out/stages").glob(f"{name}-*"))
                     for name in ("corpus", "sft", "dpo", "feedback", "reference", "reward_model")}

    @classmethod
    def tearDownClass(cls):
        cls.results.cleanup()

    def test_the_reference_stage_says_the_same(self):
        data = self.stage["feedback"] / "data.h5"
        def lists(name):
            tokens, offsets = numbers(data, f"{name}/tokens"), numbers(data, f"{name}/offsets")
            return [[int(t) for t in tokens[int(a):int(b)]] for a, b in zip(offsets, offsets[1:])]
        prompts, completions = lists("prompts"), lists("completions")
        asked = [int(i) for i in numbers(data, "completions/prompt")]
        rows = [{"prompt_ids": prompts[p], "completion_ids": c} for p, c in zip(asked, completions)]
        self.score(self.stage["sft"], write_rows(self.folder / "ids.jsonl", rows), "lm", scalar="float")
        want = numbers(self.stage["reference"] / "data.h5", "reference/completions")
        kept = [want[int(line) - 1] for line in self.column("line")]
        self.expect_close(self.column("logps/completion"), kept, 1e-6, "reference")

    def test_texts_by_the_tokenizer_of_the_corpus_stage(self):
        rows = [{"prompt": "User: Where is the sea?\nAssistant:", "chosen": " It is blue.", "rejected": " No."},
                {"prompt": "a", "chosen": " b", "rejected": " c"}]
        data = write_rows(self.folder / "texts.jsonl", rows)
        by_name = []
        for policy in (self.stage["dpo"], self.stage["dpo"] / "checkpoint.h5"):
            self.score(policy, data, "dpo", "--reference", self.stage["sft"])
            by_name.append(self.column("loss"))
        self.assertEqual(by_name[0], by_name[1])
        moved = self.folder / "moved.h5"
        shutil.copy(self.stage["dpo"] / "checkpoint.h5", moved)
        self.score(moved, data, "dpo", "--reference", self.stage["sft"], "--tokenizer", self.stage["corpus"])
        self.assertEqual(self.column("loss"), by_name[0])
        self.out.unlink()
        self.refuse(IO, "no corpus stage", "--tokenizer", policy=moved, reference=self.stage["sft"], data=data)
        self.score(self.stage["sft"], data, "dpo", "--reference", self.stage["sft"])
        self.expect_close(self.column("loss"), [math.log(2.0)] * 2, 1e-15, "a policy that is its reference")
        # Signs that no corpus holds are a token each, and one end token follows.
        write_rows(data, [{"prompt": "a", "chosen": "~", "rejected": "^~^"}])
        self.score(self.stage["dpo"], data, "dpo", "--reference", self.stage["sft"])
        self.assertEqual((self.column("tokens/chosen"), self.column("tokens/rejected")), ([2.0], [4.0]))

    def test_a_reward_model(self):
        rows = [{"prompt": "a", "chosen": " b", "rejected": " c"}]
        self.score(self.stage["reward_model"], write_rows(self.folder / "texts.jsonl", rows), "reward")
        self.assertTrue(math.isfinite(self.column("rewards/chosen")[0]))

    def test_a_damaged_checkpoint(self):
        folder = self.folder / self.stage["dpo"].name
        shutil.copytree(self.stage["dpo"], folder)
        raw = bytearray((folder / "checkpoint.h5").read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / "checkpoint.h5").write_bytes(raw)
        self.refuse(IO, "checkpoint.h5", "alignsweep repair", policy=folder, reference=self.stage["sft"])



if __name__ == "__main__":
    unittest.main(verbosity=2)
