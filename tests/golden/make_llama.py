#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make llama.h5: what transformers' LlamaForCausalLM says, for the C++ transformer to be tested against.

    python3 -m venv peer
    peer/bin/pip install "torch==2.15.*" "transformers==5.23.*" h5py
    peer/bin/python make_llama.py                    writes llama.h5 beside this file
    peer/bin/python make_llama.py --check            recomputes and compares with the file, to 1e-12; writes nothing
    peer/bin/python make_llama.py --out F --full     writes every gradient as a whole tensor in float64 (0.8 MB; do not commit it)

Made with Python 3.11.7, torch 2.15.0 (CPU), transformers 5.23.0, h5py 3.16.0, numpy 2.4.6; takes 10 s. Other versions of torch and
transformers are refused, because the reference is these ones.

Two cases, /tied and /untied (CASES below). README.md lists what each group holds. Three things to know:

* "float64" in transformers is not float64: its RMSNorm, its eager softmax and its rotary tables compute in float32 whatever the model's
  type. `full_precision` replaces these three by the same formulas in the model's own type; the stock model's loss is kept as `loss_stock`,
  and the two may differ by rounding only (checked).
* Every parameter, weight and coefficient is a float32 value (and parameters are stored as such), so a float and a double model start from
  exactly the same numbers.
* /gradients are whole tensors in float64. The other gradients, which would not fit a small file, are projected in float64: with
  w = /projection, a matrix G[rows, columns] gives [G w ; w' G] (rows values, then columns values), so that an error in any element shows;
  a vector is stored as it is. Of the trained parameters, the Frobenius norms are kept.
"""
import argparse
import contextlib
import pathlib
import platform
import sys
import zlib

import h5py
import numpy as np
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama import modeling_llama

PINNED = {"torch": (torch.__version__, "2.15."), "transformers": (transformers.__version__, "5.23.")}
COMMON = dict(vocabulary=61, width=24, hidden=40, heads=4, rope_theta=10000.0, norm_eps=1e-5)
CASES = {"tied": dict(COMMON, depth=2, kv_heads=2, tied=1), "untied": dict(COMMON, depth=1, kv_heads=4, tied=0)}
LENGTHS, PROMPTS = [7, 12, 5], [3, 5, 1]
ADAMW = dict(steps=10, learning_rate=1e-2, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=0.1, clip=1.0)
TEMPERATURE = 0.7


def draw(generator, *shape):
    """Standard normal draws, rounded to float32 values."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64).float().double()


def make_inputs():
    generator = torch.Generator().manual_seed(1)
    offsets = torch.tensor([0] + LENGTHS).cumsum(0)
    targets = int(sum(LENGTHS) - sum(PROMPTS))
    inputs = dict(
        tokens=torch.randint(COMMON["vocabulary"], (sum(LENGTHS),), generator=generator),
        offsets=offsets,
        prompt_lengths=torch.tensor(PROMPTS),
        # Row t - 1 predicts token t; a packed row index, as the C++ losses take it.
        target_rows=torch.cat([torch.arange(o + p, o + n) - 1 for o, p, n in zip(offsets.tolist(), PROMPTS, LENGTHS)]),
        scalar_weight=draw(generator, COMMON["width"]),
        scalar_coefficients=draw(generator, sum(LENGTHS)),
        a=draw(generator, targets),
        b=draw(generator, targets),
        projection=draw(generator, max(COMMON["vocabulary"], COMMON["hidden"])),
    )
    inputs["targets"] = inputs["tokens"][inputs["target_rows"] + 1]
    assert len(inputs["tokens"].unique()) < len(inputs["tokens"]), "a token must repeat: its gradient is then a sum"
    return inputs


def make_model(case, dtype, attention="eager"):
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=case["vocabulary"], hidden_size=case["width"], intermediate_size=case["hidden"],
        num_hidden_layers=case["depth"], num_attention_heads=case["heads"], num_key_value_heads=case["kv_heads"],
        rms_norm_eps=case["norm_eps"], rope_parameters={"rope_type": "default", "rope_theta": case["rope_theta"]},
        tie_word_embeddings=bool(case["tied"]), max_position_embeddings=64, attn_implementation=attention)).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # A seed of its own, so that the two cases share most tensors, and the file stores those once.
            values = draw(torch.Generator().manual_seed(zlib.crc32(name.encode())), *parameter.shape)
            parameter.copy_((1 + 0.1 * values if parameter.ndim == 1 else 0.2 * values).float())
    assert model.config.head_dim == case["width"] // case["heads"]
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == bool(case["tied"])
    return model.train()  # no dropout anywhere: as in eval


@contextlib.contextmanager
def full_precision():
    """Within it, the three places where transformers computes in float32 compute in the model's type."""
    def norm(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    def rotary(self, x, position_ids):
        exponents = torch.arange(0, self.config.head_dim, 2, dtype=x.dtype) / self.config.head_dim
        angles = position_ids[..., None].to(x.dtype) * self.config.rope_parameters["rope_theta"] ** -exponents
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()

    def attention(module, query, key, value, mask, scaling, dropout=0.0, **_):
        key, value = (modeling_llama.repeat_kv(x, module.num_key_value_groups) for x in (key, value))
        scores = query @ key.transpose(2, 3) * scaling
        weights = (scores if mask is None else scores + mask).softmax(-1)
        return (weights @ value).transpose(1, 2).contiguous(), weights

    places = [(modeling_llama.LlamaRMSNorm, "forward", norm), (modeling_llama.LlamaRotaryEmbedding, "forward", rotary),
              (modeling_llama, "eager_attention_forward", attention)]
    stock = [getattr(owner, name) for owner, name, _ in places]
    try:
        for owner, name, replacement in places:
            setattr(owner, name, replacement)
        yield
    finally:
        for (owner, name, _), original in zip(places, stock):
            setattr(owner, name, original)


def forward(model, inputs):
    """Final hidden states (after the last norm) and logits, packed; each sequence runs alone, without padding."""
    outputs = [model.model(input_ids=row[None], use_cache=False).last_hidden_state[0]
               for row in inputs["tokens"].split(LENGTHS)]
    hidden = torch.cat(outputs)
    return hidden, model.lm_head(hidden)


def target_terms(logits, inputs, temperature=1.0):
    """Log-probability of each target and entropy (nats) of its row's full softmax."""
    logprobs = (logits[inputs["target_rows"]] / temperature).log_softmax(-1)
    chosen = logprobs.gather(1, inputs["targets"][:, None])[:, 0]
    return chosen, -(logprobs.exp() * logprobs).sum(-1)


def mean_loss(model, inputs):
    return -target_terms(forward(model, inputs)[1], inputs)[0].mean()


def gradients(model, loss, *others):
    named = dict(model.named_parameters())
    found = torch.autograd.grad(loss, [*named.values(), *others], retain_graph=True, materialize_grads=True)
    return dict(zip(named, found)), found[len(named):]


def train(model, inputs):
    matrices, vectors = ([p for p in model.parameters() if (p.ndim >= 2) == wanted] for wanted in (True, False))
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": ADAMW["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}],
        lr=ADAMW["learning_rate"], betas=(ADAMW["beta1"], ADAMW["beta2"]), eps=ADAMW["eps"], foreach=False)
    losses, norms = [], []
    for _ in range(ADAMW["steps"]):
        optimizer.zero_grad()
        loss = mean_loss(model, inputs)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), ADAMW["clip"]))
        optimizer.step()
        losses.append(loss.detach())
    losses.append(mean_loss(model, inputs).detach())
    return torch.stack(losses), torch.stack(norms)


def project(tensor, weights):
    if tensor.ndim == 1:
        return tensor
    rows, columns = tensor.shape
    return torch.cat([tensor @ weights[:columns], weights[:rows] @ tensor])


def compute(case, inputs, full):
    """{path: tensor, or number for an attribute} of one case; 'group@name' is an attribute of the group."""
    shrink, projected = ((lambda t: t), "gradients") if full else ((lambda t: project(t, inputs["projection"])), "gradient_projections")
    out = {f"@{key}": value for key, value in case.items()}
    out |= {key: inputs[key] for key in ("tokens", "offsets", "prompt_lengths", "target_rows", "targets")}

    def put(group, tensors, change=lambda t: t):
        out.update({f"{group}/{name}": change(value.detach()) for name, value in tensors.items()})

    single = make_model(case, torch.float32)
    out["@loss_float32"] = mean_loss(single, inputs).item()
    out["adamw/losses_float32"] = train(single, inputs)[0].double()
    stock = mean_loss(make_model(case, torch.float64), inputs).item()
    out["@loss_stock"] = stock
    with full_precision():
        model = make_model(case, torch.float64)
        put("parameters", dict(model.named_parameters()), torch.Tensor.float)
        hidden, logits = forward(model, inputs)
        other = forward(make_model(case, torch.float64, "sdpa"), inputs)[1]
        assert (logits - other).abs().max() < 1e-12, "eager and sdpa attention differ"

        logprobs, entropy = target_terms(logits, inputs)
        loss = -logprobs.mean()
        assert 0 < abs(loss.item() - stock) < 1e-6, "the stock model differs by more than float32 rounding"
        out |= {"logits": logits, "@loss": loss.item(), "logprobs": logprobs, "entropy": entropy}
        put("gradients", gradients(model, loss)[0])

        weight = inputs["scalar_weight"].clone().requires_grad_()
        values = hidden @ weight
        grads, (weight_gradient,) = gradients(model, (inputs["scalar_coefficients"] * values).sum(), weight)
        out |= {"scalar/weight": weight, "scalar/coefficients": inputs["scalar_coefficients"], "scalar/values": values,
                "scalar/weight_gradient": weight_gradient}
        put(f"scalar/{projected}", grads, shrink)

        logprobs, entropy = target_terms(logits, inputs, TEMPERATURE)
        loss = (inputs["a"] * logprobs + inputs["b"] * entropy).sum()
        out |= {"temperature_case@T": TEMPERATURE, "temperature_case@loss": loss.item(), "temperature_case/a": inputs["a"],
                "temperature_case/b": inputs["b"], "temperature_case/logprobs": logprobs, "temperature_case/entropy": entropy}
        put(f"temperature_case/{projected}", gradients(model, loss)[0], shrink)

        out["adamw/losses"], out["adamw/grad_norms"] = train(model, inputs)  # last: it changes the parameters
        out |= {f"adamw@{key}": value for key, value in ADAMW.items()}
        trained = dict(model.named_parameters())
        out |= {f"adamw/parameter_norms@{name}": value.norm().item() for name, value in trained.items()}
        if full:
            put("adamw/parameters", trained)
    return {key: value.detach().numpy() if torch.is_tensor(value) else value for key, value in out.items()}


def worst_difference(one, two):
    """Largest difference, relative to each entry's largest magnitude (at least 1e-3)."""
    assert one.keys() == two.keys(), sorted(one.keys() ^ two.keys())
    worst = 0.0
    for key in one:
        x, y = (np.asarray(side[key], dtype=np.float64) for side in (one, two))
        assert x.shape == y.shape and np.isfinite(x).all() and np.isfinite(y).all(), key
        scale = max(float(np.abs(x).max()), 1e-3)
        worst = max(worst, float(np.abs(x - y).max()) / scale)
    return worst


def subgroup(group, path):
    """The group at path; made without time stamps, so that two runs give the same bytes."""
    for part in filter(None, path.split("/")):
        group = group[part] if part in group else group.create_group(part, track_times=False)
    return group


def write(path, everything, inputs):
    versions = dict(made_by="tests/golden/make_llama.py", python=platform.python_version(), torch=torch.__version__,
                    transformers=transformers.__version__, h5py=h5py.__version__, numpy=np.__version__)
    written = {}  # equal arrays of the two cases are one dataset with two hard links
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for key, value in versions.items():
            file.attrs[key] = np.bytes_(value)
        file["projection"] = inputs["projection"].numpy()
        for case, entries in everything.items():
            group = file.create_group(case, track_times=False)
            for key, value in entries.items():
                if "@" in key:
                    owner, name = key.split("@")
                    kind = np.int64 if isinstance(value, int) else np.float64
                    subgroup(group, owner).attrs[name] = kind(value)
                else:
                    content = (value.dtype.str, value.shape, value.tobytes())
                    owner, _, name = key.rpartition("/")
                    if content in written:
                        subgroup(group, owner)[name] = written[content]
                    else:
                        written[content] = subgroup(group, owner).create_dataset(name, data=value, track_times=False)


def read(path):
    """What write() wrote, without the versions: {case: {path or group@name: value}}."""
    everything = {}
    with h5py.File(path) as file:
        for case in CASES:
            entries = everything[case] = {}

            def visit(name, item, entries=entries):
                entries.update({f"{name}@{key}": value for key, value in item.attrs.items()})
                if isinstance(item, h5py.Dataset):
                    entries[name] = item[()]
            visit("", file[case])
            file[case].visititems(visit)
    return everything


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("llama.h5"))
    parser.add_argument("--full", action="store_true", help="every gradient whole, in float64")
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    arguments = parser.parse_args()
    for name, (version, wanted) in PINNED.items():
        if not version.startswith(wanted):
            sys.exit(f"make_llama.py: {name} {version} is installed; the golden is made with {name} {wanted}*")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    inputs = make_inputs()
    everything = {name: compute(case, inputs, arguments.full) for name, case in CASES.items()}
    again = read(arguments.out) if arguments.check else {n: compute(c, inputs, arguments.full) for n, c in CASES.items()}
    worst = max(worst_difference(everything[name], again[name]) for name in CASES)
    print(f"worst relative difference {'from the file' if arguments.check else 'between two runs'}: {worst:.3g}")
    if not worst <= 1e-12:
        sys.exit("make_llama.py: that is more than 1e-12")
    if not arguments.check:
        write(arguments.out, everything, inputs)
        print(f"{arguments.out}: {arguments.out.stat().st_size} bytes")
    for name, entries in everything.items():
        losses, single, norms = (entries[f"adamw/{key}"] for key in ("losses", "losses_float32", "grad_norms"))
        print(f"{name}: loss {entries['@loss']:.12f}, stock - full {entries['@loss_stock'] - entries['@loss']:.2e}, "
              f"float32 - full {entries['@loss_float32'] - entries['@loss']:.2e}")
        print(f"  adamw losses {np.array2string(losses, precision=4)}\n  float32 - float64 {single - losses}\n  norms {norms}")


if __name__ == "__main__":
    main()
