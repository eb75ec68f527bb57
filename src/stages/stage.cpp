// SPDX-License-Identifier: Apache-2.0
// Identity and cost of a stage, from its kind's descriptor.
#include "stages/stage.hpp"

#include "core/error.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "store/manifest.hpp"

namespace alignsweep::stages {

StageSpec make_stage(Descriptor const& kind, config::Config const& config, std::int64_t seed,
                     std::map<std::string, std::string> inputs) {
    if (kind.check != nullptr) { kind.check(config); }
    Reads reads(config, seed);
    kind.reads(reads);
    StageSpec spec{&kind, kind.name, "", "", std::move(inputs), config, seed};
    spec.identity = core::concat("kind=", kind.name, "\nversion=", kind.version, "\nbackend=", backend_name(),
                                 "\nscalar=", scalar_name(), "\n", reads.text());
    for (auto const& [role, id] : spec.inputs) { spec.identity += core::concat("input.", role, "=", id, "\n"); }
    spec.key = store::key_of_identity(spec.identity);
    return spec;
}

std::vector<std::string> models_held(Descriptor const& kind, config::Config const& config) {
    return kind.models == nullptr ? std::vector<std::string>{"policy"} : kind.models(config);
}

Estimate estimate(StageSpec const& spec) {
    if (spec.descriptor->work == nullptr) { return {}; }
    auto const& model = spec.config.get<config::ModelConfig>();
    double const width = static_cast<double>(model.width), hidden = static_cast<double>(model.hidden);
    double const parameters =
        static_cast<double>(spec.config.get<config::TokenizerConfig>().vocabulary) * width +
        static_cast<double>(model.depth) * (4.0 * width * width + 3.0 * width * hidden);
    // Lengths of the simulated world's prompts and answers; only the order of the stages depends on them.
    bool const listed = spec.config.get<config::WorldConfig>().kind == config::WorldKind::enumerable;
    double const answer = listed ? static_cast<double>(spec.config.get<config::EnumerableConfig>().length) : 14.0;
    Work const work = spec.descriptor->work(spec, {answer, answer + (listed ? 3.0 : 10.0), listed});
    double const flops = parameters * (6.0 * work.trained + 2.0 * work.forward);
    return {work.trained + work.forward, flops, flops * spec.descriptor->slowness};
}

}  // namespace alignsweep::stages
