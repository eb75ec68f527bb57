// SPDX-License-Identifier: Apache-2.0
#include "model/device/gradient_tree.hpp"

#include "support/device.hpp"

#include <stdexcept>

namespace alignsweep::model::device {
namespace {

using test::Exec;
using Numbers = std::vector<double>;

template <class Scalar>
using Device = kernels::Vector<Exec, Scalar>;

// Sums the given chunks with one tree.
template <class Scalar>
std::vector<Scalar> tree_sum(GradientTree<Scalar>& tree, std::vector<Numbers> const& chunks) {
    for (Numbers const& chunk : chunks) {
        Device<Scalar> const buffer = tree.begin_chunk();
        EXPECT_EQ(test::to_doubles<Scalar>(buffer), Numbers(chunk.size(), 0.0)) << "a new chunk starts at zero";
        Kokkos::deep_copy(buffer, test::to_vector<Scalar>(chunk));
        tree.finish_chunk();
    }
    return test::to_std<Scalar>(tree.total());
}

template <class Scalar>
void the_tree_sums_in_a_fixed_form() {
    constexpr std::size_t size = 33;
    GradientTree<Scalar> used(Exec(), size);
    for (std::size_t const count : {1, 2, 3, 5, 8, 13}) {
        std::vector<Numbers> chunks;
        Numbers naive(size, 0.0);
        for (std::size_t c = 0; c < count; ++c) {
            chunks.push_back(test::normal_values(size, "chunk" + std::to_string(c)));
            for (std::size_t i = 0; i < size; ++i) { naive[i] += chunks.back()[i]; }
        }
        GradientTree<Scalar> fresh(Exec(), size);
        auto const sum = tree_sum(fresh, chunks);
        EXPECT_TRUE(test::allclose({sum.begin(), sum.end()}, naive, test::rounding<Scalar>()));
        EXPECT_EQ(tree_sum(used, chunks), sum) << "buffers of an earlier step must not matter";
    }
    // ((0 + 1) + (2 + 3)) + 4, for numbers where the form shows.
    Numbers const x{1.0, 1e9, -1e9, 1e-3, 7.0};
    auto const s = [&](std::size_t i) { return static_cast<Scalar>(x[i]); };
    std::vector<Numbers> chunks;
    for (double const value : x) { chunks.push_back({value}); }
    GradientTree<Scalar> tree(Exec(), 1);
    EXPECT_EQ(tree_sum(tree, chunks)[0], ((s(0) + s(1)) + (s(2) + s(3))) + s(4));
    EXPECT_THROW(tree.total(), std::logic_error) << "the tree was emptied";
}

ALIGNSWEEP_TEST_SCALARS(GradientTree, SumsInAFixedForm, the_tree_sums_in_a_fixed_form)

}  // namespace
}  // namespace alignsweep::model::device
