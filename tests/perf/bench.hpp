// SPDX-License-Identifier: Apache-2.0
// What the benchmarks share: model sizes, filled views, and rates as a share of this run's sgemm peak.
#pragma once

#include "kernels/types.hpp"
#include "model/outputs.hpp"
#include "model/shape.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace alignsweep::bench {

using Space = Kokkos::DefaultExecutionSpace;
using Real = float;
using Matrix = kernels::Matrix<Space, Real>;
using Vector = kernels::Vector<Space, Real>;

// A model and a batch of equally long sequences.
struct Setting {
    std::string name;
    int width, depth, heads, hidden, vocabulary, sequences, length;

    [[nodiscard]] int tokens() const { return sequences * length; }
    [[nodiscard]] model::Shape shape() const {
        return {vocabulary, width, depth, heads, heads, hidden, length, 10000.0, 1e-5, true, false};
    }
};
[[nodiscard]] std::vector<Setting> const& settings();

// The batch: tokens that repeat no pattern, offsets, and every token but a sequence's first as a target.
struct Batch {
    std::vector<std::int32_t> tokens, offsets{0}, target_rows, target_tokens;
    explicit Batch(Setting const& setting);
    [[nodiscard]] model::ChunkInput input() const { return {tokens, offsets, target_rows, target_tokens, {}}; }
};

// Views of numbers between -0.5 and 0.5.
[[nodiscard]] Matrix filled(int rows, int columns);
[[nodiscard]] Vector filled(int size);

// GF/s of square products, the median of several; measured once, before the first benchmark.
[[nodiscard]] double sgemm_peak();

// Runs `body` until the time is up; each run ends with a fence. Counters: GF/s, its share of the peak, GB/s and
// tokens/s, from what one run does; zeros are left out.
struct Work {
    double flops = 0.0, bytes = 0.0, tokens = 0.0;
};
template <class Body>
void measure(benchmark::State& state, Work const& work, Body const& body) {
    Space const space;
    body(space);  // the first run allocates
    space.fence("alignsweep::bench: warm-up");
    auto const begin = std::chrono::steady_clock::now();
    for ([[maybe_unused]] auto iteration : state) {
        body(space);
        space.fence("alignsweep::bench: one run");
    }
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    double const runs_per_second = static_cast<double>(state.iterations()) / took.count();
    if (work.flops > 0.0) {
        double const rate = work.flops * runs_per_second / 1e9;
        state.counters["GF/s"] = rate;
        state.counters["of_peak"] = rate / sgemm_peak();
    }
    if (work.bytes > 0.0) { state.counters["GB/s"] = work.bytes * runs_per_second / 1e9; }
    if (work.tokens > 0.0) { state.counters["tokens/s"] = work.tokens * runs_per_second; }
}

// Registers a benchmark on wall time.
template <class Function>
void add(std::string const& name, Function const& function) {
    benchmark::RegisterBenchmark(name.c_str(), function)->UseRealTime()->Unit(benchmark::kMicrosecond);
}

void add_gemm();
void add_kernels();
void add_models();
void add_complexity();

}  // namespace alignsweep::bench
