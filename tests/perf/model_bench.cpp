// SPDX-License-Identifier: Apache-2.0
// Whole training steps (forward, backward, AdamW) and generation.
#include "bench.hpp"
#include "kernels/gemm/gemm.hpp"
#include "model/learner.hpp"
#include "model/runtime.hpp"

namespace alignsweep::bench {

namespace {

using model::Transformer;
using model::Weights;

Weights make_weights(model::Shape const& shape) {
    Weights weights(shape);
    model::initialise(weights, 1, 0.02, 0.25);
    return weights;
}

double parameters_of(Weights const& weights) { return static_cast<double>(weights.layout.parameter_count()); }

// GF/s by the usual estimate of 6 operations a parameter and token, without attention's.
void training_step(benchmark::State& state, Setting const& s) {
    Weights weights = make_weights(s.shape());
    model::Learner learner(weights, {});
    Batch const batch(s);
    auto const targets = batch.target_rows.size();
    model::ChunkGradients const gradients{std::vector<double>(targets, -1.0 / static_cast<double>(targets)), {}, {}};
    Work const work{.flops = 6.0 * parameters_of(weights) * s.tokens(), .tokens = 1.0 * s.tokens()};
    measure(state, work, [&](Space const&) {
        benchmark::DoNotOptimize(learner.forward(batch.input(), 1.0));
        learner.backward(gradients);
        learner.step(1e-4);
    });
}

// One part of a step alone: log-probabilities forward, as scoring does.
void scoring(benchmark::State& state, Setting const& s) {
    Weights const weights = make_weights(s.shape());
    Transformer transformer(s.shape());
    Batch const batch(s);
    Work const work{.flops = 2.0 * parameters_of(weights) * s.tokens(), .tokens = 1.0 * s.tokens()};
    measure(state, work,
            [&](Space const&) { benchmark::DoNotOptimize(transformer.forward(weights, batch.input(), 1.0)); });
}

// Of so many rows at once. Tokens are the new ones; no row ends early.
void generation(benchmark::State& state, Setting const& s, int count, int prompt_tokens = 16) {
    constexpr int new_tokens = 32;
    Weights const weights = make_weights(s.shape());
    Transformer transformer(s.shape());
    Batch const batch(s);
    std::vector<std::vector<std::int32_t>> prompts;
    std::vector<std::int32_t> rows;
    for (int i = 0; i < count; ++i) {
        auto const begin = batch.tokens.begin() + i % s.sequences * s.length;
        prompts.emplace_back(begin, begin + prompt_tokens);
        rows.push_back(i);
    }
    model::GenerationRequest const request{prompts, rows, {}, core::RandomStream(1, "bench"), 0, new_tokens, -1, count};
    Work const work{.flops = 2.0 * parameters_of(weights) * count * (prompt_tokens + new_tokens),
                    .tokens = 1.0 * count * new_tokens};
    measure(state, work, [&](Space const&) { benchmark::DoNotOptimize(transformer.generate(weights, request)); });
}

}  // namespace

// Training and generation over one dimension at a time, from the middle one of the sizes of tests/perf/complexity.py.
void add_complexity() {
    auto const add_both = [](std::string const& axis, int value, int width, int depth, int sequences, int length) {
        Setting const s{axis, width, depth, 4, width * 43 / 16, 512, sequences, length};
        std::string const name = "complexity/" + axis + "/" + std::to_string(value);
        add(name + "/training", [s](benchmark::State& state) { training_step(state, s); });
        add(name + "/generation", [s](benchmark::State& state) { generation(state, s, s.sequences, s.length - 32); });
    };
    for (int const width : {32, 64, 128, 256, 512}) { add_both("width", width, width, 2, 32, 128); }
    for (int const depth : {1, 2, 4, 8, 16}) { add_both("depth", depth, 64, depth, 32, 128); }
    for (int const length : {64, 128, 256, 512, 1024}) { add_both("context", length, 64, 2, 4096 / length, length); }
    for (int const batch : {1, 4, 16, 64, 256}) { add_both("batch", batch, 64, 2, batch, 128); }
}

void add_models() {
    for (Setting const& s : settings()) {
        for (auto const arithmetic : {core::Arithmetic::portable, core::Arithmetic::fast}) {
            bool const fast = arithmetic == core::Arithmetic::fast;
            if (fast && kernels::vendor_library().empty()) { continue; }
            auto const add_one = [&](std::string const& name, auto const& body) {
                add("model/" + s.name + "/" + name + (fast ? "_fast" : ""), [=](benchmark::State& state) {
                    model::use_arithmetic(arithmetic);
                    body(state);
                    model::use_arithmetic(core::Arithmetic::portable);
                });
            };
            add_one("training_step", [&s](benchmark::State& state) { training_step(state, s); });
            add_one("scoring", [&s](benchmark::State& state) { scoring(state, s); });
            add_one("generation", [&s](benchmark::State& state) { generation(state, s, s.sequences); });
            if (s.width <= 128) {
                add_one("generation_256", [&s](benchmark::State& state) { generation(state, s, 256); });
            }
        }
    }
}

}  // namespace alignsweep::bench
