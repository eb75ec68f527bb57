// SPDX-License-Identifier: Apache-2.0
// Every launch carries a label of the project's own.
#include "model/learner.hpp"
#include "model/small_model.hpp"

#include <Kokkos_Core.hpp>

#include <set>
#include <string>

namespace alignsweep::model {
namespace {

std::set<std::string> labels;
void remember(char const* label, std::uint32_t, std::uint64_t*) { labels.insert(label); }

void every_launch_is_labelled() {
    namespace tools = Kokkos::Tools::Experimental;
    labels.clear();
    tools::set_begin_parallel_for_callback(remember);
    tools::set_begin_parallel_reduce_callback(remember);
    auto weights = small_weights<float>(small_shape(true, true));
    Learner learner(weights, {});
    SmallBatch const batch({5, 3});
    auto const outputs = learner.forward(batch.input(true), 1.0);
    learner.backward({outputs.logprob, outputs.entropy, outputs.value});
    learner.step(0.1);
    std::vector<test::Ints> const prompts{{1, 2, 3}, {4}};
    test::Ints const ids{0, 1};
    learner.transformer().generate(weights, {prompts, ids, {}, core::RandomStream(1, "labels"), 0, 5, 0, 2});
    tools::set_begin_parallel_for_callback(nullptr);
    tools::set_begin_parallel_reduce_callback(nullptr);
    EXPECT_GE(labels.size(), 20u);
    for (std::string const& label : labels) {
        EXPECT_TRUE(label.starts_with("alignsweep::") || label.starts_with("Kokkos::")) << label;
    }
    EXPECT_TRUE(labels.contains("alignsweep::kernels::attention::decode"));
}

TEST(Labels, EveryLaunchIsLabelled) { every_launch_is_labelled(); }

}  // namespace
}  // namespace alignsweep::model
