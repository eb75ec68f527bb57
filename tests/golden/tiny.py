# SPDX-License-Identifier: Apache-2.0
"""What make_trl.py and make_ppo.py share: tiny Llamas in float64, a tokenizer of 40 words, flat gradients, the file."""
import contextlib
import os
import platform
import sys
import zlib

os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

from make_llama import full_precision

SHAPE = dict(vocabulary=40, width=12, hidden=16, depth=2, heads=3, kv_heads=1, tied=1, rope_theta=1e4, norm_eps=1e-5)
PAD, EOS = 0, 1


def make_model(role, scalar_head=False):
    """A float64 model whose parameters are float32 values, drawn by role and name."""
    config = LlamaConfig(
        vocab_size=SHAPE["vocabulary"], hidden_size=SHAPE["width"], intermediate_size=SHAPE["hidden"],
        num_hidden_layers=SHAPE["depth"], num_attention_heads=SHAPE["heads"], num_key_value_heads=SHAPE["kv_heads"],
        rms_norm_eps=SHAPE["norm_eps"], rope_parameters={"rope_type": "default", "rope_theta": SHAPE["rope_theta"]},
        tie_word_embeddings=bool(SHAPE["tied"]), max_position_embeddings=64, attn_implementation="eager",
        pad_token_id=PAD, eos_token_id=EOS, bos_token_id=None, num_labels=1)
    model = (LlamaForSequenceClassification if scalar_head else LlamaForCausalLM)(config).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator = torch.Generator().manual_seed(zlib.crc32(f"{role}/{name}".encode()))
            values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_((1 + 0.1 * values if parameter.ndim == 1 else 0.4 * values).to(torch.float32))
    return model.train()  # no dropout anywhere: as in eval


def make_tokenizer(padding_side="right"):
    """Words w2 .. w39 with those ids; <pad> is 0, <eos> is 1; nothing else."""
    vocabulary = {"<pad>": PAD, "<eos>": EOS} | {f"w{i}": i for i in range(2, SHAPE["vocabulary"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>",
                                   padding_side=padding_side)


def text(ids):
    """The text that the tokenizer turns into these ids; a leading space, so that texts can be joined."""
    return "".join(" <eos>" if i == EOS else f" w{i}" for i in ids)


def flat(model):
    """All parameters one after the other, in named_parameters' order."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])


def flat_gradient(model):
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in model.parameters()])


def offsets():
    """{tensor: offset of its first element in a flat vector}; score.weight stands last, where there is one."""
    result, at = {}, 0
    for name, parameter in make_model("policy", scalar_head=True).named_parameters():
        result[name] = at
        at += parameter.numel()
    return result


@contextlib.contextmanager
def capture(function):
    """Collects the local variables of every call of `function` at its return: the library's own numbers."""
    code, calls = function.__code__, []

    def profile(frame, event, _argument):
        if event == "return" and frame.f_code is code:
            calls.append(dict(frame.f_locals))
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@contextlib.contextmanager
def in_double():
    """Within it, what transformers and TRL compute in float32 whatever the model's type computes in float64.

    For transformers see make_llama.full_precision. TRL casts with Tensor.float(), which is Tensor.double() here, and
    names torch.float32 in its log-probability kernel, which sees another torch here.
    """
    class Torch:
        float32 = torch.float64

        def __getattr__(self, name):
            return getattr(torch, name)

    stock, kernel = torch.Tensor.float, sys.modules.get("trl.kernels.chunked_logprob")
    torch.Tensor.float = torch.Tensor.double
    if kernel is not None:
        kernel.torch = Torch()
    try:
        with full_precision():
            yield
    finally:
        torch.Tensor.float = stock
        if kernel is not None:
            kernel.torch = torch


def ragged(rows):
    """Lists of token ids as one matrix, filled with -1."""
    matrix = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int32)
    for i, row in enumerate(rows):
        matrix[i, :len(row)] = row
    return matrix


def check_versions(script, wanted):
    for module, version in wanted.items():
        installed = sys.modules[module].__version__
        if not (installed + ".").startswith(version + "."):
            sys.exit(f"{script}: {module} {installed} is installed; the golden is made with {version}")


def prepare_torch():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_default_dtype(torch.float64)  # what a trainer creates for itself is float64 as well


def write(path, script, entries, extra_versions):
    """entries: {"group/name": array, "group@name": number}. Two runs write the same bytes."""
    versions = dict(made_by=f"tests/golden/{script}", python=platform.python_version(), torch=torch.__version__,
                    transformers=transformers.__version__, h5py=h5py.__version__, numpy=np.__version__) | extra_versions
    entries = {f"shape@{key}": value for key, value in SHAPE.items()} | entries
    entries |= {f"offsets@{name}": offset for name, offset in offsets().items()}

    def group(file, path):
        for part in filter(None, path.split("/")):
            file = file[part] if part in file else file.create_group(part, track_times=False)
        return file

    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for key, value in versions.items():
            file.attrs[key] = np.bytes_(value)
        for key, value in entries.items():
            if "@" in key:
                owner, name = key.split("@")
                group(file, owner).attrs[name] = np.int64(value) if isinstance(value, int) else np.float64(value)
            else:
                owner, _, name = key.rpartition("/")
                value = value.detach().numpy() if torch.is_tensor(value) else np.asarray(value)
                group(file, owner).create_dataset(name, data=value, track_times=False)


def read(path):
    """What write() wrote, without the versions."""
    entries = {}
    with h5py.File(path) as file:
        def visit(name, item):
            entries.update({f"{name}@{key}": value for key, value in item.attrs.items()})
            if isinstance(item, h5py.Dataset):
                entries[name] = item[()]
        file.visititems(visit)
    return entries


def compare(one, two):
    """Largest difference, relative to each entry's largest magnitude (at least 1e-3)."""
    worst = 0.0
    for key in one.keys() & two.keys():
        x, y = (np.asarray(v.detach() if torch.is_tensor(v) else v, dtype=np.float64) for v in (one[key], two[key]))
        assert x.shape == y.shape and np.isfinite(x).all() and np.isfinite(y).all(), key
        if x.size:
            worst = max(worst, float(np.abs(x - y).max()) / max(float(np.abs(x).max()), 1e-3))
    return worst


def finish(script, path, entries, extra_versions, check):
    """Writes the file, or compares with it."""
    if check:
        stored = {key: value for key, value in read(path).items() if not key.startswith(("shape@", "offsets@"))}
        if stored.keys() != entries.keys():
            sys.exit(f"{script}: other entries: {sorted(stored.keys() ^ entries.keys())}")
        worst = compare(entries, stored)
        print(f"worst relative difference from the file: {worst:.3g}")
        if not worst <= 1e-12:
            sys.exit(f"{script}: that is more than 1e-12")
    else:
        write(path, script, entries, extra_versions)
        print(f"{path}: {path.stat().st_size} bytes")
