// SPDX-License-Identifier: Apache-2.0
// Every other kernel at the shapes of the models. Bytes: what the kernel must read and write at least.
#include "bench.hpp"
#include "kernels/adamw.hpp"
#include "kernels/embedding.hpp"
#include "kernels/logprob.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/rope.hpp"
#include "kernels/sampling.hpp"
#include "kernels/swiglu.hpp"
#include "model/device/chunk.hpp"

namespace alignsweep::bench {

namespace {

Work moves(double numbers) { return {.bytes = numbers * sizeof(Real)}; }

// The batch, and what keeps it on the device.
struct OnDevice {
    model::device::ChunkUploader uploader{Space(), kernels::query_lanes<Space, Real>()};
    model::device::DeviceChunk chunk;
    explicit OnDevice(Setting const& s) : chunk(uploader.upload(Batch(s).input(), {}, true)) {}
};

kernels::Vector<Space, std::int32_t> indices(std::vector<std::int32_t> const& host) {
    kernels::Vector<Space, std::int32_t> const view("alignsweep::bench::indices", host.size());
    model::device::from_host(Space(), host, view);
    return view;
}

void rmsnorm_forward(benchmark::State& state, Setting const& s) {
    Matrix const x = filled(s.tokens(), s.width), out = filled(s.tokens(), s.width);
    Vector const weight = filled(s.width), inv_rms = filled(s.tokens());
    measure(state, moves(2.0 * s.tokens() * s.width),
            [&](Space const& space) { kernels::rmsnorm_forward<Space, Real>(space, x, weight, 1e-5, out, inv_rms); });
}

void rmsnorm_backward(benchmark::State& state, Setting const& s) {
    Matrix const x = filled(s.tokens(), s.width), dout = filled(s.tokens(), s.width), dx = filled(s.tokens(), s.width);
    Vector const weight = filled(s.width), inv_rms = filled(s.tokens()), dweight = filled(s.width);
    measure(state, moves(4.0 * s.tokens() * s.width), [&](Space const& space) {
        kernels::rmsnorm_backward<Space, Real>(space, dout, x, weight, inv_rms, dx, {}, dweight);
    });
}

void rope(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    auto const table = kernels::make_rope_table<Space, Real>(Space(), s.length, s.width / s.heads, 10000.0);
    Matrix const qkv = filled(s.tokens(), 3 * s.width);
    measure(state, moves(4.0 * s.tokens() * s.width), [&](Space const& space) {
        kernels::rope<Space, Real>(space, table, chunk.positions, 2 * s.heads, false, qkv);
    });
}

// Two products of half a square, [T, T] by [T, D], a head; the backward pass has five.
Work attention_work(Setting const& s, int products) {
    return {.flops = products * 2.0 * s.sequences * s.width * 0.5 * s.length * s.length};
}

kernels::HeadShape head_shape(Setting const& s) { return {s.heads, s.heads, s.width / s.heads}; }

void attention_forward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    Matrix const qkv = filled(s.tokens(), 3 * s.width), out = filled(s.tokens(), s.width),
                 log_normaliser = filled(s.tokens(), s.heads);
    measure(state, attention_work(s, 2), [&](Space const& space) {
        kernels::attention_forward<Space, Real>(space, head_shape(s), chunk.groups, qkv, out, log_normaliser);
    });
}

void attention_backward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    auto const heads = head_shape(s);
    Matrix const qkv = filled(s.tokens(), 3 * s.width), out = filled(s.tokens(), s.width),
                 dout = filled(s.tokens(), s.width), log_normaliser = filled(s.tokens(), s.heads),
                 dqkv = filled(s.tokens(), 3 * s.width);
    kernels::attention_forward<Space, Real>(Space(), heads, chunk.groups, qkv, out, log_normaliser);
    measure(state, attention_work(s, 5), [&](Space const& space) {
        kernels::attention_backward<Space, Real>(space, heads, chunk.groups, chunk.groups, qkv, out, dout,
                                                 log_normaliser, dqkv);
    });
}

void swiglu_forward(benchmark::State& state, Setting const& s) {
    Matrix const gate_up = filled(s.tokens(), 2 * s.hidden), out = filled(s.tokens(), s.hidden);
    measure(state, moves(3.0 * s.tokens() * s.hidden),
            [&](Space const& space) { kernels::swiglu_forward<Space, Real>(space, gate_up, out); });
}

void swiglu_backward(benchmark::State& state, Setting const& s) {
    Matrix const gate_up = filled(s.tokens(), 2 * s.hidden), dout = filled(s.tokens(), s.hidden),
                 dgate_up = filled(s.tokens(), 2 * s.hidden);
    measure(state, moves(5.0 * s.tokens() * s.hidden),
            [&](Space const& space) { kernels::swiglu_backward<Space, Real>(space, dout, gate_up, dgate_up); });
}

void logprob_forward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    Matrix const logits = filled(chunk.targets, s.vocabulary);
    Vector const logprob = filled(chunk.targets), entropy = filled(chunk.targets), normaliser = filled(chunk.targets);
    measure(state, moves(1.0 * chunk.targets * s.vocabulary), [&](Space const& space) {
        kernels::logprob_forward<Space, Real>(space, logits, chunk.target_tokens, 1.0, logprob, entropy, normaliser);
    });
}

void logprob_backward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    Matrix const logits = filled(chunk.targets, s.vocabulary), copy = filled(chunk.targets, s.vocabulary);
    Vector const logprob = filled(chunk.targets), entropy = filled(chunk.targets), normaliser = filled(chunk.targets),
                 dlogprob = filled(chunk.targets), dentropy = filled(chunk.targets);
    kernels::logprob_forward<Space, Real>(Space(), logits, chunk.target_tokens, 1.0, logprob, entropy, normaliser);
    // The logits are overwritten, so each run starts from a copy; its two passes count as bytes.
    measure(state, moves(4.0 * chunk.targets * s.vocabulary), [&](Space const& space) {
        Kokkos::deep_copy(space, copy, logits);
        kernels::logprob_backward<Space, Real>(space, chunk.target_tokens, 1.0, entropy, normaliser, dlogprob, dentropy,
                                               copy);
    });
}

void embedding_forward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    Matrix const table = filled(s.vocabulary, s.width), out = filled(s.tokens(), s.width);
    measure(state, moves(2.0 * s.tokens() * s.width),
            [&](Space const& space) { kernels::gather_rows<Space, Real>(space, table, chunk.tokens, out); });
}

void embedding_backward(benchmark::State& state, Setting const& s) {
    OnDevice const device(s);
    auto const& chunk = device.chunk;
    Matrix const dtable = filled(s.vocabulary, s.width), dout = filled(s.tokens(), s.width);
    measure(state, moves(1.0 * s.tokens() * s.width + 2.0 * s.vocabulary * s.width),
            [&](Space const& space) { kernels::embedding_backward<Space, Real>(space, dout, chunk.by_token, dtable); });
}

void adamw(benchmark::State& state, Setting const& s) {
    model::Layout const layout(s.shape());
    int const size = static_cast<int>(layout.size());
    Vector const gradient = filled(size), parameters = filled(size);
    Vector const first("alignsweep::bench::first_moment", size), second("alignsweep::bench::second_moment", size);
    kernels::AdamwStep const step{1e-6, 0.9, 0.999, 1e-8, 0.01, 1.0, 1};
    measure(state, moves(7.0 * size), [&](Space const& space) {
        kernels::adamw<Space, Real>(space, step, layout.matrix_size(), gradient, parameters, first, second);
    });
}

void sampling(benchmark::State& state, Setting const& s) {
    int const rows = s.sequences;
    Matrix const logits = filled(rows, s.vocabulary);
    std::vector<std::int32_t> ids(static_cast<std::size_t>(rows)), zeros(ids.size(), 0);
    for (int i = 0; i < rows; ++i) { ids[static_cast<std::size_t>(i)] = i; }
    auto const row_ids = indices(ids), positions = indices(zeros);
    kernels::Vector<Space, std::int32_t> const token("alignsweep::bench::tokens", rows);
    Vector const logprob = filled(rows);
    core::RandomStream const stream(1, "bench");
    measure(state, moves(1.0 * rows * s.vocabulary), [&](Space const& space) {
        kernels::sample_tokens<Space, Real>(space, {}, stream, 0, row_ids, positions, logits, token, logprob);
    });
}

}  // namespace

void add_kernels() {
    struct Kernel {
        char const* name;
        void (*run)(benchmark::State&, Setting const&);
    };
    for (Setting const& s : settings()) {
        for (Kernel const& kernel :
             {Kernel{"rmsnorm_forward", rmsnorm_forward}, Kernel{"rmsnorm_backward", rmsnorm_backward},
              Kernel{"rope", rope}, Kernel{"attention_forward", attention_forward},
              Kernel{"attention_backward", attention_backward}, Kernel{"swiglu_forward", swiglu_forward},
              Kernel{"swiglu_backward", swiglu_backward}, Kernel{"logprob_forward", logprob_forward},
              Kernel{"logprob_backward", logprob_backward}, Kernel{"embedding_forward", embedding_forward},
              Kernel{"embedding_backward", embedding_backward}, Kernel{"adamw", adamw}, Kernel{"sampling", sampling}}) {
            add("kernel/" + s.name + "/" + kernel.name,
                [run = kernel.run, &s](benchmark::State& state) { run(state, s); });
        }
    }
}

}  // namespace alignsweep::bench
