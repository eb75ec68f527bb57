// SPDX-License-Identifier: Apache-2.0
// Matrix products: square ones, and those of a layer and of the LM head.
#include "bench.hpp"
#include "kernels/gemm/gemm.hpp"

namespace alignsweep::bench {

namespace {

using kernels::Op;

// c[m, n] = op(a) op(b), over k.
struct Product {
    Op op_a, op_b;
    int m, n, k;
    bool by_vendor = false;
};

void run(benchmark::State& state, Product const& p) {
    Matrix const a = p.op_a == Op::none ? filled(p.m, p.k) : filled(p.k, p.m);
    Matrix const b = p.op_b == Op::none ? filled(p.k, p.n) : filled(p.n, p.k);
    Matrix const c = filled(p.m, p.n);
    measure(state, {.flops = 2.0 * p.m * p.n * p.k},
            [&, gemm = p.by_vendor ? kernels::vendor_gemm<Space, Real> : kernels::gemm<Space, Real>](
                Space const& space) { gemm(space, p.op_a, p.op_b, a, b, false, c); });
}

void add_product(std::string const& name, Product const& product) {
    add("gemm/" + name, [product](benchmark::State& state) { run(state, product); });
}

// y[n, out] = x[n, in] w[out, in]^T, and its two gradients.
void add_linear(std::string const& name, int rows, int in, int out) {
    add_product(name + "_forward", {Op::none, Op::transpose, rows, out, in});
    add_product(name + "_dinput", {Op::none, Op::none, rows, in, out});
    add_product(name + "_dweight", {Op::transpose, Op::none, out, in, rows});
}

}  // namespace

void add_gemm() {
    for (int const n : {256, 512, 1024, 2048}) {
        std::string const name = "square_" + std::to_string(n);
        add_product(name, {Op::none, Op::none, n, n, n});
        if (!kernels::vendor_library().empty()) { add_product(name + "_fast", {Op::none, Op::none, n, n, n, true}); }
    }
    for (Setting const& s : settings()) {
        add_linear(s.name + "/qkv", s.tokens(), s.width, 3 * s.width);
        add_linear(s.name + "/attention_out", s.tokens(), s.width, s.width);
        add_linear(s.name + "/gate_up", s.tokens(), s.width, 2 * s.hidden);
        add_linear(s.name + "/down", s.tokens(), s.hidden, s.width);
        add_linear(s.name + "/head", s.tokens() - s.sequences, s.width, s.vocabulary);
    }
}

}  // namespace alignsweep::bench
