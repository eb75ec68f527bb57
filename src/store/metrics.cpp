// SPDX-License-Identifier: Apache-2.0
#include "store/metrics.hpp"

#include "core/error.hpp"
#include "store/file.hpp"
#include "store/paths.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace alignsweep::store {

namespace {
constexpr char const* schema = "alignsweep.metrics";
constexpr std::int64_t version = 1;
constexpr double absent = std::numeric_limits<double>::quiet_NaN();
}  // namespace

MetricStream::Column& MetricStream::column_for(std::string const& name, std::int64_t step) {
    auto const known = columns_.find(name);
    if (known != columns_.end()) { return known->second; }
    check_metric_name(name);
    std::vector<std::string> all = names();
    all.push_back(name);
    std::string const clash = prefix_clash(all);
    core::check(clash.empty(), "metric '", name, "': ", clash);
    return columns_.emplace(name, Column{step, std::vector<double>(steps_.size(), absent)}).first->second;
}

void MetricStream::append(std::int64_t step, MetricRow const& metrics) {
    core::check(steps_.empty() || step >= steps_.back(), "metrics of step ", step, " after those of step ",
                steps_.empty() ? step : steps_.back());
    if (steps_.empty() || step > steps_.back()) {
        steps_.push_back(step);
        for (auto& [name, column] : columns_) { column.values.push_back(absent); }
    }
    for (auto const& [name, value] : metrics) { column_for(name, step).values.back() = value; }
}

void MetricStream::trim(std::int64_t step) {
    auto const end = std::upper_bound(steps_.begin(), steps_.end(), step);
    steps_.erase(end, steps_.end());
    std::erase_if(columns_, [&](auto const& entry) { return entry.second.first_step > step; });
    for (auto& [name, column] : columns_) { column.values.resize(steps_.size()); }
}

std::vector<std::string> MetricStream::names() const {
    std::vector<std::string> all;
    for (auto const& [name, column] : columns_) { all.push_back(name); }
    return all;
}

std::vector<double> const& MetricStream::column(std::string const& name) const {
    auto const found = columns_.find(name);
    core::check(found != columns_.end(), "no metric '", name, "'");
    return found->second.values;
}

std::string MetricStream::publish(std::filesystem::path const& file, std::span<MetricInfo const> own) const {
    FileWriter writer(file, schema, version);
    writer.write("/step", steps_);
    writer.set_attribute("/step", "description", "optimiser step");
    writer.make_scale("/step", "step");
    for (auto const& [name, column] : columns_) {
        std::string const path = "/" + name;
        MetricInfo const info = metric_info(name, own);
        writer.write(path, column.values);
        writer.attach_scale(path, 0, "/step");
        writer.set_attribute(path, "units", info.unit);
        writer.set_attribute(path, "description", info.description);
        writer.set_attribute(path, "first_step", column.first_step);
    }
    return writer.publish();
}

MetricStream MetricStream::load(std::filesystem::path const& file) {
    FileReader const reader(file, schema, version);
    MetricStream stream;
    stream.steps_ = reader.read<std::int64_t>("/step");
    if (!std::is_sorted(stream.steps_.begin(), stream.steps_.end())) {
        throw core::IoError(file.string(), ": dataset /step: steps must rise");
    }
    for (std::string const& path : reader.datasets("/")) {
        if (path == "/step") { continue; }
        Column column;
        column.values = reader.read<double>(path);
        if (column.values.size() != stream.steps_.size()) {
            throw core::IoError(file.string(), ": dataset ", path, ": ", column.values.size(), " rows, but /step has ",
                                stream.steps_.size());
        }
        // Whatever is loaded can be published again.
        try {
            check_metric_name(path.substr(1));
        } catch (std::logic_error const&) {
            throw core::IoError(file.string(), ": dataset ", path, ": no name of a metric");
        }
        Attribute const first = reader.attribute(path, "first_step");
        if (auto const* step = std::get_if<std::int64_t>(&first)) { column.first_step = *step; }
        stream.columns_.emplace(path.substr(1), std::move(column));
    }
    return stream;
}

}  // namespace alignsweep::store
