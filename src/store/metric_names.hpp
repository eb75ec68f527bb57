// SPDX-License-Identifier: Apache-2.0
// The names under which metrics are logged, with their units. Names are the field's own (those of TRL where it has
// one), with slashes, so they are HDF5 paths.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace alignsweep::store {

inline constexpr char const* sequence_nats = "nats per sequence";
inline constexpr char const* token_nats = "nats per token";

struct MetricInfo {
    std::string name;  // with "/" at its end: of all that begin so; the rest of a name follows the description
    std::string unit;  // "1" for a pure number; as netCDF and xarray read it from the attribute `units`
    std::string description;
};

// Metrics that several kinds of stages log, and costs. Those of one kind stand in its description.
[[nodiscard]] std::span<MetricInfo const> metric_registry();

// Unit and description of any metric: from `own`; from the registry; from the metric itself for the ends of its
// interval, <metric>_low and <metric>_high. Others have unit "1" and no description.
[[nodiscard]] MetricInfo metric_info(std::string_view name, std::span<MetricInfo const> own = {});

// std::logic_error unless `name` can stand as an HDF5 path beside the columns of the program's own ("step", "trial",
// "status", ...).
void check_metric_name(std::string const& name);

}  // namespace alignsweep::store
