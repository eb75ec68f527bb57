// SPDX-License-Identifier: Apache-2.0
// The metrics of one training run, as rows in memory that are published whole as metrics.h5.
#pragma once

#include "store/metric_names.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::store {

using MetricRow = std::vector<std::pair<std::string, double>>;

// A table: one row a step, one column a metric, NaN where a metric was not logged.
// A file that was trimmed and continued equals, byte for byte, that of a run never interrupted.
class MetricStream {
public:
    // Steps never fall; a row for the last step again (an evaluation at its end) joins that row. Names are checked:
    // std::logic_error for a name that HDF5 can't hold, or a prefix path of another.
    void append(std::int64_t step, MetricRow const& metrics);
    // Drops the rows after `step`: a resume starts there.
    void trim(std::int64_t step);

    [[nodiscard]] std::vector<std::int64_t> const& steps() const { return steps_; }
    // In alphabetical order.
    [[nodiscard]] std::vector<std::string> names() const;
    // [steps().size()]; std::logic_error for an unknown name.
    [[nodiscard]] std::vector<double> const& column(std::string const& name) const;

    // /step (int64, the dimension scale `step`) and one float64 column a metric, with units and description, which
    // `own` may add to. Returns the file's digest; throws IoError.
    std::string publish(std::filesystem::path const& file, std::span<MetricInfo const> own = {}) const;
    static MetricStream load(std::filesystem::path const& file);

private:
    struct Column {
        std::int64_t first_step = 0;  // a column leaves with the rows that brought it in
        std::vector<double> values;
    };
    Column& column_for(std::string const& name, std::int64_t step);

    std::vector<std::int64_t> steps_;
    std::map<std::string, Column> columns_;
};

}  // namespace alignsweep::store
