// SPDX-License-Identifier: Apache-2.0
#include "store/sweep_file.hpp"

#include "core/error.hpp"
#include "core/machine.hpp"
#include "store/file.hpp"
#include "store/metric_names.hpp"

#include <concepts>
#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <type_traits>
#include <utility>

namespace alignsweep::store {

namespace {

constexpr char const* schema = "alignsweep.sweep";
constexpr std::int64_t version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();

// The columns of one group: the first is the scale of all others.
class Table {
public:
    Table(FileWriter& writer, std::string group, std::string const& scale, std::vector<std::int64_t> const& values,
          std::string const& description, std::span<MetricInfo const> metrics = {})
        : writer_(writer), group_(std::move(group)), scale_(group_ + "/" + scale), metrics_(metrics) {
        writer_.write(scale_, values);
        writer_.make_scale(scale_, scale);
        writer_.set_attribute(scale_, "description", description);
    }

    // `field`: a member of a row, or a function of it. Truth values are written as int64.
    template <class Row, class Field>
    void column(std::string const& name, std::vector<Row> const& rows, Field field, std::string const& description,
                std::string const& unit = "") {
        using Given = std::decay_t<decltype(std::invoke(field, rows.front()))>;
        std::vector<std::conditional_t<std::is_integral_v<Given>, std::int64_t, Given>> values;
        for (Row const& row : rows) { values.push_back(std::invoke(field, row)); }
        std::string const path = group_ + "/" + name;
        if constexpr (std::same_as<Given, std::string>) {
            writer_.write_labels(path, values);
        } else {
            writer_.write(path, values);
        }
        writer_.attach_scale(path, 0, scale_);
        if (!unit.empty()) { writer_.set_attribute(path, "units", unit); }
        if (!description.empty()) { writer_.set_attribute(path, "description", description); }
    }
    template <class Row, class Field>
    void metric(std::string const& name, std::vector<Row> const& rows, Field field) {
        check_metric_name(name);
        MetricInfo const info = metric_info(name, metrics_);
        column(name, rows, field, info.description, info.unit);
    }

private:
    FileWriter& writer_;
    std::string group_;
    std::string scale_;
    std::span<MetricInfo const> metrics_;
};

std::vector<std::int64_t> places(std::size_t n) {
    std::vector<std::int64_t> values(n);
    std::iota(values.begin(), values.end(), std::int64_t{0});
    return values;
}

// Calls visit(name, field) for each name in one map of the rows; field(row) is the row's value, or `otherwise`.
template <class T, class Visit>
void for_each_entry(std::vector<TrialRow> const& rows, std::map<std::string, T> TrialRow::*part, T const& otherwise,
                    Visit visit) {
    std::set<std::string> names;
    for (TrialRow const& row : rows) {
        for (auto const& [name, value] : row.*part) { names.insert(name); }
    }
    for (std::string const& name : names) {
        visit(name, [&](TrialRow const& row) {
            auto const found = (row.*part).find(name);
            return found == (row.*part).end() ? otherwise : found->second;
        });
    }
}

void write_trials(FileWriter& writer, std::vector<TrialRow> const& rows, std::span<MetricInfo const> metrics) {
    std::vector<std::int64_t> trials;
    for (TrialRow const& row : rows) { trials.push_back(row.trial); }
    Table table(writer, "/trials", "trial", trials, "place of the trial in the plan", metrics);
    table.column("key", rows, &TrialRow::key, "hash of the trial's configuration");
    table.column("status", rows, &TrialRow::status, "pending, running, done, failed or skipped");
    table.column("error", rows, &TrialRow::error, "why the trial failed");
    table.column("method", rows, &TrialRow::method, "method, or base, or sft");
    table.column("seed", rows, &TrialRow::seed, "the trial's seed");
    table.column("digest", rows, &TrialRow::digest, "hash of the trial's final weights and metrics");
    table.column("seconds", rows, &TrialRow::seconds, "time of the trial's stages", "s");
    std::string const none;
    std::set<std::string> words;
    for_each_entry(rows, &TrialRow::text_axes, none, [&](auto const& name, auto const&) { words.insert(name); });
    for_each_entry(rows, &TrialRow::axes, absent, [&](std::string const& name, auto field) {
        if (words.contains(name)) { return; }  // it follows as text
        table.column(name, rows, field, "axis of the sweep");
    });
    for_each_entry(rows, &TrialRow::text_axes, none,
                   [&](std::string const& name, auto field) { table.column(name, rows, field, "axis of the sweep"); });
    for_each_entry(rows, &TrialRow::provenance, none, [&](std::string const& name, auto field) {
        table.column("provenance/" + name, rows, field,
                     "where the trial's stages come from; all values where they differ");
    });
    for_each_entry(rows, &TrialRow::circumstances, none, [&](std::string const& name, auto field) {
        table.column("circumstances/" + name, rows, field,
                     "how the trial's stages were run; all values where they differ");
    });
    auto const metric = [&](std::string const& name, auto field) { table.metric(name, rows, field); };
    for_each_entry(rows, &TrialRow::metrics, absent, metric);
    for_each_entry(rows, &TrialRow::costs, absent, metric);
}

void write_curves(FileWriter& writer, std::vector<Curve> const& curves, std::span<MetricInfo const> metrics) {
    std::vector<std::int64_t> trial, step;
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
    Table table(writer, "/curves", "row", places(step.size()), "row of the curves of all trials", metrics);
    table.column("trial", trial, std::identity(), "place of the trial in the plan");
    table.column("step", step, std::identity(), "optimiser step");
    for (auto& [name, column] : columns) {
        column.resize(step.size(), absent);
        table.metric(name, column, std::identity());
    }
}

void write_methods(FileWriter& writer, std::vector<MethodRow> const& methods) {
    Table table(writer, "/methods", "row", places(methods.size()), "place of the method in tables");
    table.column("name", methods, &MethodRow::name, "as in /trials/method");
    table.column("aligned", methods, &MethodRow::aligned, "1: a method of alignment; 0: a model before it");
    table.column("trains_policy", methods, &MethodRow::trains_policy, "1: its policy has weights of its own");
    table.column("beta_key", methods, &MethodRow::beta_key, "key of the strength of the tie to the reference");
}

}  // namespace

std::string write_sweep(std::filesystem::path const& file, std::vector<TrialRow> const& rows,
                        std::vector<Curve> const& curves, std::map<std::string, std::string> const& attributes,
                        std::vector<MethodRow> const& methods, std::span<MetricInfo const> metrics) {
    FileWriter writer(file, schema, version);
    std::map<std::string, std::string> root = attributes;
    root.insert({{"software", "alignsweep"},
                 {"softwareVersion", "unknown"},
                 {"date", core::utc_now()},
                 {"machine", core::host_name()}});
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
                throw core::IoError(file.string(), ": dataset ", path, ": holds another type");
        }
    }
}

}  // namespace alignsweep::store
