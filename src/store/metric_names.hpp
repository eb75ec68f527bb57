// SPDX-License-Identifier: Apache-2.0
// The names under which metrics are logged, with their units. Names are the field's own (those of TRL where it has
// one), with slashes, so they are HDF5 paths.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace alignsweep::store {

struct MetricInfo {
    std::string name;
    std::string unit;  // "1" for a pure number; as netCDF and xarray read it from the attribute `units`
    std::string description;
};

// Every name known beforehand; families such as cost/<what>/<role> are not listed.
[[nodiscard]] std::span<MetricInfo const> metric_registry();

// Unit and description of any metric: from `own`; from the registry; from the family for cost/<what>/<role>,
// eval/gold/<value> and eval/behaviour/<kind>; from the metric itself for the ends of its interval, <metric>_low and
// <metric>_high. Others have unit "1" and no description.
[[nodiscard]] MetricInfo metric_info(std::string_view name, std::span<MetricInfo const> own = {});

// std::logic_error unless `name` can stand as an HDF5 path beside the columns of the program's own ("step", "trial",
// "status", ...).
void check_metric_name(std::string const& name);

}  // namespace alignsweep::store
