// SPDX-License-Identifier: Apache-2.0
// However a step is cut into chunks, every kind that trains learns the same but for rounding.
#include "store/metrics.hpp"
#include "support/tiny.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::train {
namespace {

using kinds::testing::finished_life;

class Chunks : public ::testing::TestWithParam<std::string> {};

TEST_P(Chunks, HardlyMatter) {
    auto const& life = finished_life();
    auto const expected = store::MetricStream::load(life.of(GetParam()) / "metrics.h5");
    ASSERT_NE(life.config.get<config::ModelConfig>().chunk, 1);
    for (int const chunk : {1, 3, 64}) {
        kinds::testing::TemporaryFolder folder;
        life.copy_inputs(GetParam(), folder.path());
        auto config = life.config;
        config.edit<config::ModelConfig>().chunk = chunk;
        auto const spec = kinds::make_stage(GetParam(), config, 3, life.specs.at(GetParam()).inputs);
        stages::execute(spec, kinds::testing::host_of(folder.path()));
        auto const curves = store::MetricStream::load(folder.path() / spec.id() / "metrics.h5");
        ASSERT_EQ(curves.steps(), expected.steps());
        ASSERT_EQ(curves.names(), expected.names());
        for (auto const& name : curves.names()) {
            auto const &column = curves.column(name), &wanted = expected.column(name);
            for (std::size_t i = 0; i < column.size(); ++i) {
                if (std::isnan(wanted[i]) && std::isnan(column[i])) { continue; }
                EXPECT_NEAR(column[i], wanted[i], 1e-3 * std::max(1.0, std::abs(wanted[i])))
                    << name << " of step " << curves.steps()[i] << ", chunk " << chunk;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Chunks, ::testing::ValuesIn(kinds::testing::training_kinds),
                         [](auto const& info) { return info.param; });

}  // namespace
}  // namespace alignsweep::train
