// SPDX-License-Identifier: Apache-2.0
#include "sweep/index.hpp"

#include "config/text.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "kinds/kinds.hpp"
#include "store/metrics.hpp"
#include "store/publish.hpp"
#include "sweep/claim.hpp"

#include <algorithm>
#include <fstream>

namespace alignsweep::sweep {

Ledger::Ledger(Plan const& plan, fs::path stages, std::string attempt)
    : plan_(plan), stages_(std::move(stages)), attempt_(std::move(attempt)) {
    for (auto const& [id, spec] : plan.stages) { status_[id] = StageStatus::pending; }
    refresh();
}

bool Ledger::look_at_manifest(std::string const& id) {
    try {
        auto manifest = store::read_manifest(folder(id));
        if (!manifest) { return false; }
        store::check_place(folder(id), *manifest);
        store::check_files(folder(id), *manifest);
        manifests_[id] = std::move(*manifest);
        status_[id] = StageStatus::done;
    } catch (core::IoError const& error) { mark_broken(id, error.what()); }
    return true;
}

void Ledger::check_inputs(std::set<std::string> const& fresh) {
    for (auto const& [id, manifest] : manifests_) {
        if (status(id) != StageStatus::done) { continue; }
        for (auto const& [role, input] : manifest.inputs) {
            if (!fresh.contains(id) && !fresh.contains(input)) { continue; }
            if (!status_.contains(input) || status(input) != StageStatus::done) { continue; }
            std::string const defect = store::input_defect(folder(id), manifest, role, manifests_.at(input));
            if (!defect.empty()) { mark_broken(id, defect); }
        }
    }
}

void Ledger::refresh() {
    std::set<std::string> fresh;
    for (auto& [id, status] : status_) {
        if (status == StageStatus::done || status == StageStatus::broken) { continue; }
        if (look_at_manifest(id)) {
            fresh.insert(id);
            continue;
        }
        std::ifstream failure(folder(id) / "failed.txt");
        std::string attempt;
        if (failure && std::getline(failure, attempt) && (attempt == attempt_ || attempt_.empty())) {
            errors_[id] = core::message_line(core::concat(failure.rdbuf()));
            status = StageStatus::failed;
            continue;
        }
        status = Claim::progress(claim_folder(id)) ? StageStatus::running : StageStatus::pending;
    }
    if (!fresh.empty()) { check_inputs(fresh); }
}

std::string Ledger::failed_cause(std::string const& id) const {
    if (status(id) == StageStatus::done) { return {}; }
    if (status(id) == StageStatus::failed || status(id) == StageStatus::broken) { return id; }
    for (auto const& [role, input] : plan_.stages.at(id).inputs) {
        std::string const cause = failed_cause(input);
        if (!cause.empty()) { return cause; }
    }
    return {};
}

bool Ledger::inputs_done(std::string const& id) const {
    return std::ranges::all_of(plan_.stages.at(id).inputs,
                               [&](auto const& input) { return status(input.second) == StageStatus::done; });
}

std::string Ledger::error_of(std::string const& id) const {
    auto const found = errors_.find(id);
    return found == errors_.end() ? std::string() : found->second;
}

void Ledger::mark_failed(std::string const& id, std::string const& error) {
    fs::create_directories(folder(id));
    store::write_text_atomically(folder(id) / "failed.txt", attempt_ + "\n" + error);
    errors_[id] = error;
    status_[id] = StageStatus::failed;
}

void Ledger::mark_broken(std::string const& id, std::string const& error) {
    errors_[id] = error;
    status_[id] = StageStatus::broken;
}

std::vector<std::string> Ledger::with_status(StageStatus status) const {
    std::vector<std::string> ids;
    for (auto const& [id, own] : status_) {
        if (own == status) { ids.push_back(id); }
    }
    return ids;
}

std::vector<store::Manifest const*> Ledger::finished(std::set<std::string> const& ids) const {
    std::vector<store::Manifest const*> manifests;
    for (std::string const& id : ids) {
        if (status(id) == StageStatus::done) { manifests.push_back(&manifest(id)); }
    }
    return manifests;
}

Facts stage_facts(Ledger const& ledger, std::set<std::string> const& ids) {
    Facts facts;
    std::size_t finished = 0;
    for (store::Manifest const* manifest : ledger.finished(ids)) {
        ++finished;
        for (auto const& [name, value] : manifest->facts) {
            if (name != "identity") { ++facts[name][value]; }  // what the stage is, not where it comes from
        }
    }
    for (auto& [name, values] : facts) {
        std::size_t known = 0;
        for (auto const& [value, stages] : values) { known += stages; }
        if (known < finished) { values["unknown"] += finished - known; }
    }
    return facts;
}

std::map<std::string, std::string> circumstances(Ledger const& ledger, std::set<std::string> const& ids) {
    std::map<std::string, std::set<std::string>> all;
    for (store::Manifest const* manifest : ledger.finished(ids)) {
        for (auto const& [name, value] : manifest->circumstances) { all[name].insert(value); }
    }
    std::map<std::string, std::string> joined;
    for (auto const& [name, values] : all) {
        joined[name] = name == "started" ? *values.begin()
                       : name == "ended" ? *values.rbegin()
                                         : config::join(std::vector<std::string>(values.begin(), values.end()), "; ");
    }
    return joined;
}

std::string describe_differences(Plan const& plan, Ledger const& ledger,
                                 std::map<std::string, std::string> const& here) {
    std::set<std::string> ids;
    for (auto const& [id, spec] : plan.stages) { ids.insert(id); }
    std::vector<std::string> told;
    for (auto const& [name, values] : stage_facts(ledger, ids)) {
        auto const own = here.find(name);
        bool const foreign = own != here.end() && !values.contains(own->second);
        if (values.size() < 2 && !foreign) { continue; }
        std::vector<std::string> parts;
        for (auto const& [value, stages] : values) {
            parts.push_back(
                core::concat(core::excerpt(value, 120), " (", stages, stages == 1 ? " stage)" : " stages)"));
        }
        if (foreign) { parts.push_back(core::excerpt(own->second, 120) + " (here)"); }
        told.push_back(core::concat(name, " is ", config::join(parts, " and ")));
    }
    return config::join(told, "; ");
}

namespace {

// One hash over a trial's final weights and metrics: equal exactly where two runs agree to the last bit.
std::string trial_digest(Trial const& trial, Ledger const& ledger, std::map<std::string, double> const& metrics) {
    core::Digest digest;
    auto const& files = ledger.manifest(trial.model_stage).files;
    auto const weights = files.find("checkpoint.h5");
    if (weights != files.end()) { digest.update(weights->second.digest); }
    for (auto const& [name, value] : metrics) { digest.update(name).update(&value, sizeof(value)); }
    return digest.hex();
}

// Costs of a trial: everything that its chain of stages spent, by role, and in total.
void add_costs(store::TrialRow& row, Trial const& trial, stages::StageSpec const& model, Ledger const& ledger) {
    std::map<std::string, double> totals;
    for (store::Manifest const* manifest : ledger.finished(trial.stages)) {
        for (auto const& [name, amount] : manifest->costs) {
            row.costs["cost/" + name] += amount;
            totals[name.substr(0, name.find('/'))] += amount;
        }
        row.costs["cost/seconds/" + manifest->kind] += manifest->seconds;
        totals["seconds"] += manifest->seconds;
    }
    for (auto const& [what, amount] : totals) { row.costs["cost/" + what + "/total"] = amount; }
    row.seconds = totals["seconds"];
    row.costs["cost/models_in_memory"] = static_cast<double>(kinds::models_held(model.kind, model.config).size());
}

// Where the trial's numbers come from, those of its side stages as well: each fact, or all its values where stages
// differ; and how its stages were run.
void add_provenance(store::TrialRow& row, Plan const& plan, Trial const& trial, Ledger const& ledger) {
    std::set<std::string> ids = trial.stages;
    for (auto const& [kind, side] : trial.sides) { add_with_inputs(plan, side, ids); }
    for (auto const& [name, values] : stage_facts(ledger, ids)) {
        std::vector<std::string> texts;
        for (auto const& [value, stages] : values) { texts.push_back(value); }
        row.provenance[name] = config::join(texts, "; ");
    }
    row.circumstances = circumstances(ledger, ids);
}

std::string status_of(Trial const& trial, Ledger const& ledger, std::string& error) {
    // An evaluation may still be there when somebody removed its model.
    bool const has_model = ledger.status(trial.model_stage) == StageStatus::done;
    if (has_model && ledger.status(trial.evaluate_stage) == StageStatus::done) { return "done"; }
    std::string const cause = ledger.failed_cause(has_model ? trial.evaluate_stage : trial.model_stage);
    if (!cause.empty()) {
        // The error of a broken stage names its folder itself.
        bool const named = ledger.status(cause) == StageStatus::broken;
        error = (named ? "" : cause + ": ") + ledger.error_of(cause);
        // Failed: its own model or evaluation did. Skipped: a stage did that several trials share.
        return cause == trial.model_stage || cause == trial.evaluate_stage ? "failed" : "skipped";
    }
    auto const runs = [&](std::string const& id) { return ledger.status(id) == StageStatus::running; };
    return std::ranges::any_of(trial.stages, runs) ? "running" : "pending";
}

}  // namespace

std::vector<store::TrialRow> make_rows(Plan const& plan, Ledger const& ledger) {
    std::vector<store::TrialRow> rows;
    for (std::size_t i = 0; i < plan.trials.size(); ++i) {
        Trial const& trial = plan.trials[i];
        store::TrialRow row;
        row.trial = static_cast<std::int64_t>(i);
        row.key = plan.stages.at(trial.model_stage).key;
        row.status = status_of(trial, ledger, row.error);
        row.method = trial.method;
        row.seed = trial.seed;
        row.axes = trial.axes;
        row.text_axes = trial.text_axes;
        if (row.status == "done") {
            row.metrics = ledger.manifest(trial.evaluate_stage).metrics;
            for (auto const& [kind, side] : trial.sides) {
                // The trial stands without it, and says what it lacks.
                if (ledger.status(side) == StageStatus::broken) { row.error = ledger.error_of(side); }
                if (ledger.status(side) != StageStatus::done) { continue; }
                auto const& metrics = ledger.manifest(side).metrics;
                row.metrics.insert(metrics.begin(), metrics.end());
            }
            row.digest = trial_digest(trial, ledger, row.metrics);
        }
        add_provenance(row, plan, trial, ledger);
        add_costs(row, trial, plan.stages.at(trial.model_stage), ledger);
        rows.push_back(std::move(row));
    }
    return rows;
}

void write_index(fs::path const& out, Plan const& plan, Ledger& ledger) {
    std::vector<store::Curve> curves;
    for (std::size_t i = 0; i < plan.trials.size(); ++i) {
        std::string const& id = plan.trials[i].model_stage;
        if (ledger.status(id) != StageStatus::done || !ledger.manifest(id).files.contains("metrics.h5")) { continue; }
        try {
            auto const stream = store::MetricStream::load(ledger.folder(id) / "metrics.h5");
            store::Curve curve{static_cast<std::int64_t>(i), stream.steps(), {}};
            for (std::string const& name : stream.names()) { curve.metrics.emplace_back(name, stream.column(name)); }
            curves.push_back(std::move(curve));
        } catch (core::IoError const& error) {
            ledger.mark_broken(id, error.what() + store::remedy(ledger.folder(id)));
            core::log_error(ledger.error_of(id));
        }
    }
    std::vector<store::MethodRow> methods;
    std::vector<store::MetricInfo> metrics;
    for (auto const& kind : kinds::all()) {
        metrics.insert(metrics.end(), kind.metrics.begin(), kind.metrics.end());
        bool const aligned = kind.purpose == stages::Purpose::method;
        if (!aligned && kind.purpose != stages::Purpose::start) { continue; }
        methods.push_back({kind.row_name(), aligned, kind.trains_policy, kind.beta_key});
    }
    store::write_sweep(out / "sweep.h5", make_rows(plan, ledger), curves, stages::run_facts(), methods, metrics);
}

}  // namespace alignsweep::sweep
