// SPDX-License-Identifier: Apache-2.0
#include "store/sweep_file.hpp"

#include "core/error.hpp"
#include "core/machine.hpp"
#include "store/file.hpp"
#include "store/metric_names.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace alignsweep::store {

namespace {

constexpr char const* schema = "alignsweep.sweep";
constexpr std::int64_t version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();

// One column of /trials: takes its values row by row.
template <class Value>
auto collect(std::vector<TrialRow> const& rows, Value value) {
    std::vector<decltype(value(rows.front()))> column;
    for (TrialRow const& row : rows) { column.push_back(value(row)); }
    return column;
}

template <class T>
std::set<std::string> keys_of(std::vector<TrialRow> const& rows, std::map<std::string, T> TrialRow::*part) {
    std::set<std::string> keys;
    for (TrialRow const& row : rows) {
        for (auto const& [name, value] : row.*part) { keys.insert(name); }
    }
    return keys;
}

class Table {
public:
    Table(FileWriter& writer, std::string group, std::string scale, std::span<MetricInfo const> metrics)
        : writer_(writer), group_(std::move(group)), scale_(path(scale)), metrics_(metrics) {}

    void scale(std::vector<std::int64_t> const& values, std::string const& description) {
        writer_.write(scale_, values);
        writer_.make_scale(scale_, scale_.substr(group_.size() + 1));
        writer_.set_attribute(scale_, "description", description);
    }
    template <Element T>
    void column(std::string const& name, std::vector<T> const& values, std::string const& description,
                std::string const& unit = "") {
        writer_.write(path(name), values);
        finish(name, description, unit);
    }
    void column(std::string const& name, std::vector<std::string> const& values, std::string const& description) {
        writer_.write_labels(path(name), values);
        finish(name, description, "");
    }
    void metric(std::string const& name, std::vector<double> const& values) {
        check_metric_name(name);
        MetricInfo const info = metric_info(name, metrics_);
        column(name, values, info.description, info.unit);
    }

private:
    [[nodiscard]] std::string path(std::string const& name) const { return group_ + "/" + name; }
    void finish(std::string const& name, std::string const& description, std::string const& unit) {
        writer_.attach_scale(path(name), 0, scale_);
        if (!unit.empty()) { writer_.set_attribute(path(name), "units", unit); }
        if (!description.empty()) { writer_.set_attribute(path(name), "description", description); }
    }

    FileWriter& writer_;
    std::string group_;
    std::string scale_;
    std::span<MetricInfo const> metrics_;
};

void write_trials(FileWriter& writer, std::vector<TrialRow> const& rows, std::span<MetricInfo const> metrics) {
    Table table(writer, "/trials", "trial", metrics);
    table.scale(collect(rows, [](auto const& row) { return row.trial; }), "place of the trial in the plan");
    table.column("key", collect(rows, [](auto const& row) { return row.key; }), "hash of the trial's configuration");
    table.column("status", collect(rows, [](auto const& row) { return row.status; }),
                 "pending, running, done, failed or skipped");
    table.column("error", collect(rows, [](auto const& row) { return row.error; }), "why the trial failed");
    table.column("method", collect(rows, [](auto const& row) { return row.method; }), "method, or base, or sft");
    table.column("seed", collect(rows, [](auto const& row) { return row.seed; }), "the trial's seed");
    table.column("digest", collect(rows, [](auto const& row) { return row.digest; }),
                 "hash of the trial's final weights and metrics");
    table.column("seconds", collect(rows, [](auto const& row) { return row.seconds; }), "time of the trial's stages",
                 "s");
    auto const reals = [&](std::map<std::string, double> TrialRow::*part, std::string const& name) {
        return collect(rows, [&](TrialRow const& row) {
            auto const found = (row.*part).find(name);
            return found == (row.*part).end() ? absent : found->second;
        });
    };
    auto const texts = [&](std::map<std::string, std::string> TrialRow::*part, std::string const& name) {
        return collect(rows, [&](TrialRow const& row) {
            auto const found = (row.*part).find(name);
            return found == (row.*part).end() ? std::string() : found->second;
        });
    };
    auto const words_of = keys_of(rows, &TrialRow::text_axes);
    for (std::string const& name : keys_of(rows, &TrialRow::axes)) {
        if (words_of.contains(name)) { continue; }  // it follows as text
        table.column(name, reals(&TrialRow::axes, name), "axis of the sweep");
    }
    for (std::string const& name : words_of) {
        table.column(name, texts(&TrialRow::text_axes, name), "axis of the sweep");
    }
    for (std::string const& name : keys_of(rows, &TrialRow::provenance)) {
        table.column("provenance/" + name, texts(&TrialRow::provenance, name),
                     "where the trial's stages come from; all values where they differ");
    }
    for (std::string const& name : keys_of(rows, &TrialRow::circumstances)) {
        table.column("circumstances/" + name, texts(&TrialRow::circumstances, name),
                     "how the trial's stages were run; all values where they differ");
    }
    for (std::string const& name : keys_of(rows, &TrialRow::metrics)) {
        table.metric(name, reals(&TrialRow::metrics, name));
    }
    for (std::string const& name : keys_of(rows, &TrialRow::costs)) {
        table.metric(name, reals(&TrialRow::costs, name));
    }
}

void write_curves(FileWriter& writer, std::vector<Curve> const& curves, std::span<MetricInfo const> metrics) {
    std::vector<std::int64_t> row, trial, step;
    std::map<std::string, std::vector<double>> columns;
    for (Curve const& curve : curves) {
        std::size_t const begin = step.size();
        step.insert(step.end(), curve.steps.begin(), curve.steps.end());
        trial.resize(step.size(), curve.trial);
        for (auto const& [name, values] : curve.metrics) {
            core::check(values.size() == curve.steps.size(), "curve ", name, " of trial ", curve.trial, ": ",
                        values.size(), " values for ", curve.steps.size(), " steps");
            std::vector<double>& column = columns[name];
            core::check(column.size() <= begin, "curve ", name, " of trial ", curve.trial, ": given twice");
            column.resize(begin, absent);
            column.insert(column.end(), values.begin(), values.end());
        }
    }
    for (std::size_t i = 0; i < step.size(); ++i) { row.push_back(static_cast<std::int64_t>(i)); }
    Table table(writer, "/curves", "row", metrics);
    table.scale(row, "row of the curves of all trials");
    table.column("trial", trial, "place of the trial in the plan");
    table.column("step", step, "optimiser step");
    for (auto& [name, column] : columns) {
        column.resize(step.size(), absent);
        table.metric(name, column);
    }
}

void write_methods(FileWriter& writer, std::vector<MethodRow> const& methods) {
    std::vector<std::int64_t> row, aligned, trains_policy;
    std::vector<std::string> name, beta_key;
    for (MethodRow const& method : methods) {
        row.push_back(static_cast<std::int64_t>(row.size()));
        aligned.push_back(method.aligned ? 1 : 0);
        trains_policy.push_back(method.trains_policy ? 1 : 0);
        name.push_back(method.name);
        beta_key.push_back(method.beta_key);
    }
    Table table(writer, "/methods", "row", {});
    table.scale(row, "place of the method in tables");
    table.column("name", name, "as in /trials/method");
    table.column("aligned", aligned, "1: a method of alignment; 0: a model before it");
    table.column("trains_policy", trains_policy, "1: its policy has weights of its own");
    table.column("beta_key", beta_key, "key of the strength of the tie to the reference");
}

}  // namespace

std::string write_sweep(std::filesystem::path const& file, std::vector<TrialRow> const& rows,
                        std::vector<Curve> const& curves, std::map<std::string, std::string> const& attributes,
                        std::vector<MethodRow> const& methods, std::span<MetricInfo const> metrics) {
    FileWriter writer(file, schema, version);
    std::map<std::string, std::string> root = {{"software", "alignsweep"},
                                               {"softwareVersion", "unknown"},
                                               {"date", core::utc_now()},
                                               {"machine", core::host_name()}};
    for (auto const& [name, value] : attributes) { root[name] = value; }
    for (auto const& [name, value] : root) { writer.set_attribute("/", name, value); }
    write_trials(writer, rows, metrics);
    write_curves(writer, curves, metrics);
    write_methods(writer, methods);
    return writer.publish();
}

void check_sweep(std::filesystem::path const& file) {
    FileReader const reader(file, schema, version);
    for (std::string const& path : reader.datasets("/")) {
        switch (reader.type(path)) {
            case ElementType::int64:
                static_cast<void>(reader.read<std::int64_t>(path));
                break;
            case ElementType::float64:
                static_cast<void>(reader.read<double>(path));
                break;
            case ElementType::label:
                static_cast<void>(reader.read_labels(path));
                break;
            default:
                throw core::IoError(core::concat(file.string(), ": dataset ", path, ": holds another type"));
        }
    }
}

}  // namespace alignsweep::store
