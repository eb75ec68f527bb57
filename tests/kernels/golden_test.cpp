// SPDX-License-Identifier: Apache-2.0
// The bits of every kernel, on odd shapes, against tests/golden/kernels.json: the same for every compiler, option,
// processor, number of threads and backend. ALIGNSWEEP_UPDATE_GOLDEN=1 writes what this build gives.
#include "core/digest.hpp"
#include "core/random.hpp"
#include "kernels/adamw.hpp"
#include "kernels/attention.hpp"
#include "kernels/embedding.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/instructions.hpp"
#include "kernels/logprob.hpp"
#include "kernels/reduce.hpp"
#include "kernels/rmsnorm.hpp"
#include "kernels/rope.hpp"
#include "kernels/sampling.hpp"
#include "kernels/swiglu.hpp"
#include "support/device.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>

namespace alignsweep::kernels {
namespace {

using test::Exec;
using Digests = std::map<std::string, std::string>;

// Uniform in (-1, 1), or small integers: no function takes part in making them.
std::vector<double> uniform(std::size_t size, std::string const& name) {
    core::RandomStream const stream(1, "test/golden/" + name);
    std::vector<double> values(size);
    for (std::size_t i = 0; i < size; ++i) {
        values[i] = 2.0 * stream.uniform(0, static_cast<std::uint32_t>(i), 0) - 1.0;
    }
    return values;
}
test::Ints below(int limit, std::size_t size, std::string const& name) {
    test::Ints values;
    for (double const u : uniform(size, name)) { values.push_back(static_cast<std::int32_t>((u + 1.0) / 2.0 * limit)); }
    return values;
}

template <class Scalar>
struct Kernels {
    using Matrix = test::Matrix<Scalar>;
    using Vector = test::Vector<Scalar>;

    Digests digests{};

    static Matrix matrix(int rows, int columns, std::string const& name) {
        auto const size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
        return test::to_matrix<Scalar>(uniform(size, name), static_cast<std::size_t>(rows),
                                       static_cast<std::size_t>(columns));
    }
    static Vector vector(int size, std::string const& name) {
        return test::to_vector<Scalar>(uniform(static_cast<std::size_t>(size), name));
    }

    // Adds the bytes of results to the digest of a kernel; in double, which holds either scalar exactly.
    template <class... Results>
    void keep(std::string const& name, Results const&... results) {
        core::Digest digest;
        digest.update(digests[name]);
        auto const add = [&](auto const& view) {
            std::vector<double> values;
            if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(view)>>) {
                values = {static_cast<double>(view)};
            } else if constexpr (std::remove_cvref_t<decltype(view)>::rank() == 2) {
                values = test::to_array<Scalar>(view).values;
            } else {
                values = test::to_doubles(view);
            }
            digest.update({reinterpret_cast<char const*>(values.data()), values.size() * sizeof(double)});
        };
        (add(results), ...);
        digests[name] = digest.hex();
    }

    void products() {
        struct Shape {
            int m, n, k;
        };
        for (Shape const s :
             {Shape{1, 1, 1}, Shape{37, 61, 700}, Shape{5, 33, 256}, Shape{130, 47, 257}, Shape{3, 100, 31}}) {
            for (Op const op_a : {Op::none, Op::transpose}) {
                for (Op const op_b : {Op::none, Op::transpose}) {
                    auto const a = op_a == Op::none ? matrix(s.m, s.k, "a") : matrix(s.k, s.m, "a");
                    auto const b = op_b == Op::none ? matrix(s.k, s.n, "b") : matrix(s.n, s.k, "b");
                    for (bool const add : {false, true}) {
                        auto const c = matrix(s.m, s.n, "c");
                        gemm<Exec, Scalar>(Exec(), op_a, op_b, a, b, add, c);
                        keep("gemm", c);
                    }
                }
            }
        }
    }

    void rows() {
        for (int const width : {1, 31, 32, 33, 100}) {
            auto const x = matrix(19, width, "x"), y = matrix(19, width, "y"), dx = matrix(19, width, "dx");
            auto const weight = vector(width, "weight"), scale = vector(19, "scale"),
                       dweight = vector(width, "dweight");
            rmsnorm_forward<Exec, Scalar>(Exec(), x, weight, 1e-5, y, scale);
            keep("rmsnorm_forward", y, scale);
            rmsnorm_backward<Exec, Scalar>(Exec(), y, x, weight, scale, dx, {}, dweight);
            keep("rmsnorm_backward", dx, dweight);
            auto const gates = matrix(19, 2 * width, "gates"), dgates = matrix(19, 2 * width, "dgates");
            swiglu_forward<Exec, Scalar>(Exec(), gates, y);
            keep("swiglu_forward", y);
            swiglu_backward<Exec, Scalar>(Exec(), x, gates, dgates);
            keep("swiglu_backward", dgates);
        }
        auto const table = make_rope_table<Exec, Scalar>(Exec(), 300, 6, 10000.0);
        keep("rope_table", table.cos, table.sin);
        auto const x = matrix(19, 18, "x");
        rope<Exec, Scalar>(Exec(), table, test::to_indices(below(300, 19, "positions")), 3, false, x);
        keep("rope", x);
    }

    void outputs() {
        for (int const vocabulary : {1, 61, 300}) {
            auto const logits = matrix(23, vocabulary, "logits");
            auto const targets = test::to_indices(below(vocabulary, 23, "targets"));
            auto const logprob = vector(23, ""), entropy = vector(23, ""), normaliser = vector(23, "");
            logprob_forward<Exec, Scalar>(Exec(), logits, targets, 0.7, logprob, entropy, normaliser);
            keep("logprob_forward", logprob, entropy, normaliser);
            for (SamplingRule const rule : {SamplingRule{}, SamplingRule{0.0}, SamplingRule{1.3, 7, 0.8}}) {
                test::Vector<std::int32_t> const token("token", 23);
                auto const row = test::to_indices(below(1000, 23, "row")), at = test::to_indices(below(50, 23, "at"));
                sample_tokens<Exec, Scalar>(Exec(), rule, core::RandomStream(3, "golden"), 5, row, at, logits, token,
                                            logprob);
                keep("sample_tokens", token, logprob);
            }
            logprob_backward<Exec, Scalar>(Exec(), targets, 0.7, entropy, normaliser, vector(23, "dl"),
                                           vector(23, "dh"), logits);
            keep("logprob_backward", logits);
        }
    }

    void attention() {
        for (HeadShape const shape : {HeadShape{1, 1, 2}, HeadShape{6, 2, 5}, HeadShape{2, 1, 64}}) {
            std::vector<int> const lengths{1, 8, 9, 17, 40};
            test::Ints first, count, begin, end, slot, position, last_slot, last_position;
            int rows = 0, lanes = query_lanes<Exec, Scalar>();
            for (std::size_t s = 0; s < lengths.size(); ++s) {
                for (int from = 0; from < lengths[s]; from += lanes) {
                    first.push_back(rows + from);
                    count.push_back(std::min(lanes, lengths[s] - from));
                    begin.push_back(rows);
                    end.push_back(rows + lengths[s]);
                }
                for (int p = 0; p < lengths[s]; ++p) {
                    slot.push_back(static_cast<std::int32_t>(s));
                    position.push_back(p);
                }
                rows += lengths[s];
            }
            TokenGroups<Exec> const groups{test::to_indices(first), test::to_indices(count), test::to_indices(begin),
                                           test::to_indices(end), test::to_indices(test::Ints(first.size()))};
            int const width = shape.heads * shape.head_dim, kv_width = shape.kv_heads * shape.head_dim;
            auto const qkv = matrix(rows, shape.qkv_width(), "qkv"), dqkv = matrix(rows, shape.qkv_width(), "");
            auto const out = matrix(rows, width, ""), normaliser = matrix(rows, shape.heads, "");
            attention_forward<Exec, Scalar>(Exec(), shape, groups, qkv, out, normaliser);
            keep("attention_forward", out, normaliser);
            attention_backward<Exec, Scalar>(Exec(), shape, groups, groups, qkv, out, matrix(rows, width, "dout"),
                                             normaliser, dqkv);
            keep("attention_backward", dqkv);
            using Storage = Kokkos::View<Scalar***, Kokkos::LayoutRight, Exec>;
            LayerCache<Exec, Scalar> const cache{Storage("keys", lengths.size(), kv_width, 2 * cached_multiple),
                                                 Storage("values", lengths.size(), 40, kv_width)};
            store_in_cache<Exec, Scalar>(Exec(), shape, test::to_indices(slot), test::to_indices(position), qkv, cache);
            attention_decode<Exec, Scalar>(Exec(), shape, test::to_indices(slot), test::to_indices(position), qkv,
                                           cache, out);
            keep("attention_decode", out);
        }
    }

    void updates() {
        int const size = 9001;
        auto const gradient = vector(size, "gradient"), parameters = vector(size, "parameters");
        auto const m = vector(size, "m"), v = test::to_vector<Scalar>(std::vector<double>(size, 0.25));
        keep("sum_of_squares", sum_of_squares<Exec, Scalar>(Exec(), gradient));
        adamw<Exec, Scalar>(Exec(), {1e-3, 0.9, 0.999, 1e-8, 0.1, 0.37, 11}, 5000, gradient, parameters, m, v);
        keep("adamw", parameters, m, v);
        blend<Exec, Scalar>(Exec(), 0.3, gradient, parameters);
        add<Exec, Scalar>(Exec(), gradient, parameters);
        keep("blend_and_add", parameters);
        auto const table = matrix(11, 33, "table"), in = matrix(7, 33, "in");
        scatter_add_rows<Exec, Scalar>(Exec(), in, test::to_indices({3, 0, 10, 5, 4, 9, 1}), table);
        embedding_backward<Exec, Scalar>(
            Exec(), in,
            {test::to_indices({2, 7}), test::to_indices({0, 3, 7}), test::to_indices({0, 4, 6, 1, 2, 3, 5})}, table);
        keep("embedding", table);
    }
};

TEST(Golden, KernelsHaveTheirBits) {
    auto const file = std::string(ALIGNSWEEP_TESTS_DIR) + "/golden/kernels.json";
    auto const of = [](auto kernels) {
        kernels.products();
        kernels.rows();
        kernels.outputs();
        kernels.attention();
        kernels.updates();
        return kernels.digests;
    };
    std::map<std::string, Digests> const got{{"float", of(Kernels<float>())}, {"double", of(Kernels<double>())}};
    if (std::getenv("ALIGNSWEEP_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(file) << nlohmann::json(got).dump(2) << '\n';
        return;
    }
    std::ifstream in(file);
    auto const kept = nlohmann::json::parse(in).get<std::map<std::string, Digests>>();
    for (auto const& [scalar, digests] : kept) {
        EXPECT_EQ(got.at(scalar).size(), digests.size());
        for (auto const& [kernel, digest] : digests) {
            EXPECT_EQ(got.at(scalar).at(kernel), digest) << kernel << " in " << scalar << ", " << instruction_set();
        }
    }
}

}  // namespace
}  // namespace alignsweep::kernels
