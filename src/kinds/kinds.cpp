// SPDX-License-Identifier: Apache-2.0
#include "kinds/kinds.hpp"

#include "config/values.hpp"
#include "core/error.hpp"
#include "model/runtime.hpp"
#include "sources/source.hpp"
#include "store/manifest.hpp"

#include <algorithm>

namespace alignsweep::kinds {

stages::Descriptor const& kind(std::string const& name) {
    auto const found = std::find_if(all().begin(), all().end(), [&](auto const& kind) { return kind.name == name; });
    core::check(found != all().end(), "stage kind ", name);
    return *found;
}

namespace {

void validate(config::Config const& config) {
    config::validate(config);
    for (auto const& kind : all()) {
        if (kind.validate != nullptr) { kind.validate(config); }
    }
}

config::Program make_program() {
    auto sections = config::Config().sections();  // [run] comes last
    std::vector<std::string> methods;
    for (auto const& kind : all()) {
        sections.insert(sections.end() - 1, kind.sections.begin(), kind.sections.end());
        if (kind.purpose == stages::Purpose::method) { methods.push_back(kind.name); }
    }
    return {config::Config(std::move(sections)), std::move(methods), validate};
}

}  // namespace

config::Program const& program() {
    static config::Program const made = make_program();
    return made;
}

stages::StageSpec make_stage(std::string const& name, config::Config const& config, std::int64_t seed,
                             std::map<std::string, std::string> inputs) {
    auto const& descriptor = kind(name);
    if (descriptor.check != nullptr) { descriptor.check(config); }
    stages::Reads reads(config, seed, inputs);
    descriptor.reads(reads);
    stages::StageSpec spec{&descriptor, name, "", "", std::move(inputs), config, seed};
    // Portable arithmetic gives the same bits on every backend.
    bool const portable = config.get<config::RunConfig>().arithmetic == core::Arithmetic::portable;
    std::string const arithmetic = portable ? "portable" : "fast\nbackend=" + model::backend_name();
    spec.identity = core::concat("kind=", name, "\nversion=", descriptor.version, "\narithmetic=", arithmetic,
                                 "\nscalar=", model::scalar_name(), "\n", reads.text());
    for (auto const& [role, id] : spec.inputs) { spec.identity += core::concat("input.", role, "=", id, "\n"); }
    spec.key = store::key_of_identity(spec.identity);
    return spec;
}

std::vector<std::string> models_held(std::string const& name, config::Config const& config) {
    auto const& models = kind(name).models;
    return models == nullptr ? std::vector<std::string>{"policy"} : models(config);
}

Estimate estimate(stages::StageSpec const& spec) {
    if (spec.descriptor->work == nullptr) { return {}; }
    auto const& model = spec.config.get<config::ModelConfig>();
    double const width = static_cast<double>(model.width), hidden = static_cast<double>(model.hidden);
    double const parameters = static_cast<double>(spec.config.get<config::TokenizerConfig>().vocabulary) * width +
                              static_cast<double>(model.depth) * (4.0 * width * width + 3.0 * width * hidden);
    // Lengths of the simulated world's prompts and answers; only the order of the stages depends on them.
    bool const listed = sources::source_kind(spec.config) == sources::SourceKind::enumerable_world;
    double const answer = listed ? static_cast<double>(spec.config.get<config::EnumerableConfig>().length) : 14.0;
    auto const work = spec.descriptor->work(spec, {answer, answer + (listed ? 3.0 : 10.0), listed});
    double const flops = parameters * (6.0 * work.trained + 2.0 * work.forward);
    return {work.trained + work.forward, flops, flops * spec.descriptor->slowness};
}

}  // namespace alignsweep::kinds
