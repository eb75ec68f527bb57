// SPDX-License-Identifier: Apache-2.0
// All that the program knows of a kind of stage. Each kind describes itself in its own file of src/kinds; planner,
// progress, tables, report and tests read the descriptions and name no kind.
#pragma once

#include "stages/context.hpp"
#include "stages/reads.hpp"
#include "store/metric_names.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::stages {

// What a kind's stages are there for.
enum class Purpose {
    step,        // others read them
    start,       // a model before alignment, a row of the results
    method,      // a method of alignment, a row of the results
    evaluation,  // the numbers of a row
    side         // further numbers of a row, which is complete without them
};

// An input stage.
struct Input {
    std::string role, kind;
    std::string model{};  // where that stage looks at a model: the model's kind
    // The configuration that it is made under, where that is not its reader's.
    std::shared_ptr<config::Config const> config{};
};

struct Descriptor;
using Inputs = std::function<std::vector<Input>(config::Config const&, Descriptor const* model)>;
// The same, whatever the configuration.
inline Inputs always(std::vector<Input> inputs) {
    return [inputs = std::move(inputs)](config::Config const&, Descriptor const*) { return inputs; };
}

// Tokens that a stage trains on, and tokens that only pass through a model.
struct Work {
    double trained = 0.0, forward = 0.0;
};
// Lengths in tokens that estimates go by: of an answer, and of a prompt with its answer.
struct Lengths {
    double answer, example;
    bool listed;  // enumerable world: every response
};

// One value of a key and what it stands for.
struct Variant {
    std::string key, value;  // "dpo.loss", "ipo"
    std::string equation;    // or what it does
    std::string source;      // paper and equation
};

// What `alignsweep methods` says.
struct Entry {
    std::string signal;  // what it learns from
    std::string equation, source;
    std::vector<Variant> variants{};
};

struct Descriptor {
    std::string name;
    int version = 1;  // of the code: raised whenever a change moves bits
    Purpose purpose = Purpose::step;
    void (*run)(Context&) = nullptr;
    void (*reads)(Reads&) = nullptr;
    // By role. `model`: the kind of the model that the stage looks at, where it looks at one.
    Inputs inputs{};

    // The name of its row where that is not the kind's; sections of the configuration that are its own.
    std::string row{};
    std::vector<config::Section> sections{};
    // The configuration of its stages, where it is not the trial's.
    config::Config (*configure)(config::Config const&) = nullptr;
    // ConfigError for a configuration that makes no sense, whether such a stage is asked for or not; and for keys that
    // the stage would ignore or cannot act on, where it is.
    void (*validate)(config::Config const&) = nullptr;
    void (*check)(config::Config const&) = nullptr;
    // Of a side stage: whether a row of this model has one; null: always.
    bool (*applies)(config::Config const&, Descriptor const& model) = nullptr;

    // Of a model: roles of the models that are in memory together while it trains; where it trains none, in use.
    std::vector<std::string> (*models)(config::Config const&) = nullptr;  // null: the policy
    // Inputs that a stage needs beside this model to sample from it.
    std::vector<Input> to_sample{};
    // Whether it trains a policy, and the key of its strength of the tie to the reference.
    bool trains_policy = true;
    std::string beta_key{};

    Work (*work)(StageSpec const&, Lengths const&) = nullptr;  // null: no model passes
    // Seconds a FLOP, the reward model's being 1: the demo's stages on one core of a Xeon with AVX-512. Sampling goes
    // token by token, and pre-training takes small steps.
    double slowness = 1.2;

    std::optional<Entry> entry{};
    std::vector<store::MetricInfo> metrics{};  // those of its own that it logs or leaves behind

    [[nodiscard]] std::string const& row_name() const { return row.empty() ? name : row; }
};

}  // namespace alignsweep::stages
