// SPDX-License-Identifier: Apache-2.0
#include "sweep/plan.hpp"

#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"
#include "kinds/kinds.hpp"
#include "store/publish.hpp"

#include <algorithm>
#include <utility>

namespace alignsweep::sweep {

namespace {

using stages::Descriptor;
using stages::Purpose;

// The stages of one configuration and seed, each with all that it reads.
class Resolver {
public:
    Resolver(Plan& plan, config::Config const& config, std::int64_t seed) : plan_(plan), config_(config), seed_(seed) {}

    // Adds a stage and gives its id. `model`: the kind of the model that it looks at, where it looks at one.
    std::string stage(std::string const& kind, std::string const& model = "") {
        std::string& id = known_[{kind, model}];
        if (!id.empty()) { return id; }
        auto const& descriptor = kinds::kind(kind);
        std::map<std::string, std::string> inputs;
        for (auto const& input : descriptor.inputs(config_, model.empty() ? nullptr : &kinds::kind(model))) {
            inputs[input.role] = input.config ? Resolver(plan_, *input.config, seed_).stage(input.kind, input.model)
                                              : stage(input.kind, input.model);
        }
        auto const& configure = descriptor.configure;
        auto spec = kinds::make_stage(kind, configure ? configure(config_) : config_, seed_, std::move(inputs));
        id = spec.id();
        plan_.stages.emplace(id, std::move(spec));
        return id;
    }

private:
    Plan& plan_;
    config::Config const& config_;
    std::int64_t seed_;
    std::map<std::pair<std::string, std::string>, std::string> known_;
};

// The row of a model: its evaluation, and the side stages that tell more of it.
Trial make_row(Plan& plan, Resolver& life, config::TrialPoint const& point, Descriptor const& model) {
    Trial trial;
    trial.method = model.row_name();
    trial.seed = point.seed;
    trial.axes = point.axes;
    trial.text_axes = point.text_axes;
    trial.model_stage = life.stage(model.name);
    for (Descriptor const& kind : kinds::all()) {
        if (kind.purpose == Purpose::evaluation) { trial.evaluate_stage = life.stage(kind.name, model.name); }
        bool const has_side = kind.purpose == Purpose::side && (!kind.applies || kind.applies(point.config, model));
        if (has_side) { trial.sides[kind.name] = life.stage(kind.name, model.name); }
    }
    add_with_inputs(plan, trial.evaluate_stage, trial.stages);
    return trial;
}

double chain(Plan& plan, std::map<std::string, std::vector<std::string>>& users, std::string const& id) {
    auto const known = plan.priority.find(id);
    if (known != plan.priority.end()) { return known->second; }
    double longest = 0.0;
    for (std::string const& user : users[id]) { longest = std::max(longest, chain(plan, users, user)); }
    return plan.priority[id] = longest + kinds::estimate(plan.stages.at(id)).flops + 1.0;
}

// Rows in the order in which they were first added, found by what makes a row: its method and its evaluation.
class Rows {
public:
    // Adds a row, or finds that it stands already: then the axes on which the two differ do not reach its model, and
    // the row loses them (NaN in the results: the axis does not apply). Where they reach a side stage (by the proxy,
    // say), the row's would be one of several: it has none.
    void add(Trial trial) {
        auto const [place, is_new] = index_.try_emplace({trial.method, trial.evaluate_stage}, rows_.size());
        if (is_new) {
            rows_.push_back(std::move(trial));
            return;
        }
        Trial& same = rows_[place->second];
        std::erase_if(same.sides, [&](auto const& side) { return trial.side(side.first) != side.second; });
        std::erase_if(same.axes, [&](auto const& axis) {
            auto const other = trial.axes.find(axis.first);
            bool const differs = other == trial.axes.end() || other->second != axis.second;
            if (differs) { same.text_axes.erase(axis.first); }
            return differs;
        });
    }
    [[nodiscard]] std::vector<Trial> const& all() const { return rows_; }

private:
    std::vector<Trial> rows_;
    std::map<std::pair<std::string, std::string>, std::size_t> index_;
};

std::string absolute(config::Entry const& entry, std::string const& path) {
    return config::quote(fs::absolute(entry.folder() / path).lexically_normal().string());
}

// The value with its paths made absolute: relative ones are relative to the file that they stand in.
std::string value_of(config::Entry const& entry) {
    bool const axis = entry.section == "sweep";
    std::string const& name = axis ? entry.key : entry.name();
    std::size_t const dot = std::min(name.find('.'), name.size());
    auto const key =
        config::find_key(name.substr(0, dot), name.substr(std::min(dot + 1, name.size())), kinds::program().defaults);
    if (!key || key->kind != config::Kind::file || entry.value.empty()) { return entry.value; }
    if (!axis) { return absolute(entry, entry.value); }
    std::vector<std::string> paths;
    for (std::string const& path : config::split_list(entry.value)) { paths.push_back(absolute(entry, path)); }
    return config::join(paths);
}

}  // namespace

void add_with_inputs(Plan const& plan, std::string const& id, std::set<std::string>& ids) {
    if (!ids.insert(id).second) { return; }
    for (auto const& [role, input] : plan.stages.at(id).inputs) { add_with_inputs(plan, input, ids); }
}

Plan make_plan(config::SweepSpec const& sweep) {
    Plan plan;
    std::map<std::string, Rows> starts;
    Rows methods;
    for (config::TrialPoint const& point : sweep.trials) {
        Resolver life(plan, point.config, point.seed);
        for (Descriptor const& kind : kinds::all()) {
            if (kind.purpose == Purpose::start) { starts[kind.name].add(make_row(plan, life, point, kind)); }
        }
        methods.add(make_row(plan, life, point, kinds::kind(point.method)));
    }
    auto const append = [&](Rows const& rows) {
        plan.trials.insert(plan.trials.end(), rows.all().begin(), rows.all().end());
    };
    for (Descriptor const& kind : kinds::all()) { append(starts[kind.name]); }
    append(methods);
    std::set<std::string> sides;
    for (Trial const& trial : plan.trials) {
        for (auto const& [kind, id] : trial.sides) { sides.insert(id); }
    }
    std::erase_if(plan.stages, [&](auto const& stage) {
        return kinds::kind(stage.second.kind).purpose == Purpose::side && !sides.contains(stage.first);
    });
    std::map<std::string, std::vector<std::string>> users;
    for (auto const& [id, spec] : plan.stages) {
        for (auto const& [role, input] : spec.inputs) { users[input].push_back(id); }
    }
    for (auto const& [id, spec] : plan.stages) { chain(plan, users, id); }
    return plan;
}

void write_sweep_ini(fs::path const& out, std::span<config::Entry const> entries) {
    std::map<std::string, std::map<std::string, std::string>> sections;
    for (config::Entry const& entry : entries) { sections[entry.section][entry.key] = value_of(entry); }
    std::string text = "# Written by alignsweep: the sweep that this folder holds.\n";
    for (auto const& [section, keys] : sections) {
        text += "\n[" + section + "]\n";
        for (auto const& [key, value] : keys) { text += key + " = " + value + "\n"; }
    }
    store::write_text_atomically(out / "sweep.ini", text);
}

std::vector<config::Entry> read_sweep_ini(fs::path const& out) {
    if (!fs::exists(out / "sweep.ini")) {
        throw core::IoError(out.string(), ": holds no sweep (sweep.ini is missing)");
    }
    return config::read_ini(out / "sweep.ini");
}

}  // namespace alignsweep::sweep
