// SPDX-License-Identifier: Apache-2.0
// Kokkos Tools see what a model does: every launch, allocation and fence carries a label of the project's own, and what
// is launched or waited for is on the instance given.
#include "kernels/adamw.hpp"
#include "kernels/reduce.hpp"
#include "model/device/gradient_tree.hpp"
#include "model/device/transformer.hpp"
#include "model/small_model.hpp"
#include "support/device.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <utility>

namespace alignsweep::model::device {
namespace {

using test::Exec;
using Seen = std::set<std::pair<std::string, std::uint32_t>>;  // label, id of the instance

Seen launches, fences;
std::set<std::string> allocations;

void on_launch(char const* label, std::uint32_t instance, std::uint64_t*) { launches.emplace(label, instance); }
void on_fence(char const* label, std::uint32_t instance, std::uint64_t*) { fences.emplace(label, instance); }
void on_allocation(Kokkos_Profiling_SpaceHandle, char const* label, void const*, std::uint64_t) {
    allocations.insert(label);
}

// While it lives, everything is written down.
struct Watch {
    Watch() {
        launches.clear();
        fences.clear();
        allocations.clear();
        set(on_launch, on_fence, on_allocation);
    }
    ~Watch() { set(nullptr, nullptr, nullptr); }

private:
    static void set(Kokkos_Profiling_beginFunction launch, Kokkos_Profiling_beginFenceFunction fence,
                    Kokkos_Profiling_allocateDataFunction allocation) {
        namespace tools = Kokkos::Tools::Experimental;
        tools::set_begin_parallel_for_callback(launch);
        tools::set_begin_parallel_reduce_callback(launch);
        tools::set_begin_parallel_scan_callback(launch);
        tools::set_begin_fence_callback(fence);
        tools::set_allocate_data_callback(allocation);
    }
};

bool is_own(std::string const& label) { return label.starts_with("alignsweep::"); }
// Kokkos' own parts of a copy, a reduction or an allocation.
bool is_part_of_kokkos(std::string const& label) {
    return label.starts_with("Kokkos::") || label.starts_with("HostSpace");
}
// Kokkos waits for every instance before it frees memory of the host, and before it calls a tool.
bool waits_for_all(std::string const& label) {
    return label.starts_with("HostSpace::impl_deallocate") || label.starts_with("Kokkos::Tools::");
}

// A training step of two chunks, and samples of which some rows end early.
void train_and_sample(Exec const& space) {
    Shape const shape = small_shape(true, true);
    Layout const layout(shape);
    auto const weights_host = to_host<float>(small_weights<float>(shape));
    Watch const watch;
    Parameters<float> const weights{
        layout, kernels::Vector<Exec, float>(Kokkos::view_alloc(space, "alignsweep::test::weights"), layout.size())};
    from_host(space, weights_host, weights.values);
    Transformer<float> transformer(space, shape);
    GradientTree<float> tree(space, layout.size());
    SmallBatch const batch({5, 3});
    for (int chunk = 0; chunk < 2; ++chunk) {
        auto const outputs = transformer.forward(weights, batch.input(true), 0.9, true);
        transformer.backward(weights, {outputs.logprob, outputs.entropy, outputs.value}, tree.begin_chunk());
        tree.finish_chunk();
    }
    auto const total = tree.total();
    EXPECT_GT((kernels::sum_of_squares<Exec, float>(space, total)), 0.0);
    kernels::adamw<Exec, float>(space, {1e-2, 0.9, 0.999, 1e-8, 0.1, 1.0, 1}, layout.matrix_size(), total,
                                weights.values, tree.begin_chunk(), tree.begin_chunk());
    kernels::blend<Exec, float>(space, 0.5, total, weights.values);
    std::vector<test::Ints> const prompts{{1, 2, 3}, {4}, {5, 6}};
    test::Ints const ids{0, 1, 2};
    generate(transformer, weights, {prompts, ids, {}, core::RandomStream(1, "instance"), 0, 20, 4, 2});
    transformer.logits(weights, batch.input());
}

void everything_is_labelled_and_on_the_instance() {
    Exec const space = Kokkos::Experimental::partition_space(Exec(), 1)[0];
    train_and_sample(space);
    std::uint32_t const instance = Kokkos::Tools::Experimental::device_id(space);
    std::size_t own = 0;
    for (auto const& [label, on] : launches) {
        own += is_own(label) ? 1 : 0;
        EXPECT_TRUE(is_own(label) || is_part_of_kokkos(label)) << "launch " << label;
        EXPECT_EQ(on, instance) << "launch " << label;
    }
    EXPECT_GE(own, 24u);
    EXPECT_GE(fences.size(), 3u);
    for (auto const& [label, on] : fences) {
        EXPECT_TRUE(is_own(label) || is_part_of_kokkos(label)) << "fence " << label;
        EXPECT_TRUE(on == instance || waits_for_all(label)) << "fence " << label;
    }
    EXPECT_GE(allocations.size(), 10u);
    for (std::string const& label : allocations) {
        EXPECT_TRUE(is_own(label) || is_part_of_kokkos(label)) << "allocation " << label;
    }
    EXPECT_TRUE(launches.contains({"alignsweep::kernels::append_tokens", instance}));
}

std::size_t copies = 0;
void on_copy(Kokkos_Profiling_SpaceHandle, char const*, void const*, Kokkos_Profiling_SpaceHandle, char const*,
             void const*, std::uint64_t) {
    ++copies;
}
template <class Body>
std::size_t copies_of(Body const& body) {
    copies = 0;
    Kokkos::Tools::Experimental::set_begin_deep_copy_callback(on_copy);
    body();
    Kokkos::Tools::Experimental::set_begin_deep_copy_callback(nullptr);
    return copies;
}

// A chunk goes to the device in one copy, and its outputs come back in one. Answers cost two copies there and two back,
// whatever the number of tokens.
void data_crosses_once_a_chunk() {
    auto const weights = small_weights<float>(small_shape(true, true));
    model::Transformer transformer(weights.shape);
    SmallBatch const batch({5, 3, 8});
    EXPECT_EQ(copies_of([&] { transformer.forward(weights, batch.input(true), 1.0); }), 2u);
    std::vector<test::Ints> const prompts{{1, 2, 3}, {4}, {5, 6}};
    test::Ints const ids{0, 1, 2};
    for (int const tokens : {1, 5, 30}) {
        core::RandomStream const stream(1, "instance");
        EXPECT_EQ(copies_of([&] { transformer.generate(weights, {prompts, ids, {}, stream, 0, tokens, 4, 3}); }), 4u);
    }
}

TEST(Instance, EverythingIsLabelledAndOnTheInstance) { everything_is_labelled_and_on_the_instance(); }
TEST(Instance, DataCrossesOnceAChunk) { data_crosses_once_a_chunk(); }

}  // namespace
}  // namespace alignsweep::model::device
