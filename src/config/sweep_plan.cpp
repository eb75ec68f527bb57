// SPDX-License-Identifier: Apache-2.0
#include "config/sweep_plan.hpp"

#include "config/checks.hpp"
#include "config/values.hpp"
#include "core/error.hpp"

#include <set>
#include <utility>

namespace alignsweep::config {

using core::concat;
using core::ConfigError;

namespace {

// What one method sees of a group: its own and the common axes, and the rows that differ in them.
struct View {
    std::vector<Axis const*> axes;
    std::vector<std::size_t> rows;
};

std::vector<View> views_for(std::string const& method, std::vector<AxisGroup> const& groups) {
    std::vector<View> views;
    for (AxisGroup const& group : groups) {
        View view;
        for (Axis const& axis : group) {
            if (axis.method.empty() || axis.method == method) { view.axes.push_back(&axis); }
        }
        if (view.axes.empty()) { continue; }
        std::set<std::vector<std::string>> seen;
        for (std::size_t row = 0; row < group.front().values.size(); ++row) {
            if (seen.insert(settings_of(view.axes, row)).second) { view.rows.push_back(row); }
        }
        views.push_back(std::move(view));
    }
    return views;
}

// Factors are at most most_trials each, and counting ends at the first product above it, so nothing overflows.
std::size_t count_trials(std::vector<View> const& views, std::size_t seeds, std::size_t earlier) {
    std::size_t count = seeds;
    for (View const& view : views) {
        if (count <= most_trials) { count *= view.rows.size(); }
    }
    require(count + earlier <= most_trials, "[sweep] has more than ", most_trials, " trials; allowed: at most ",
            most_trials);
    return count;
}

// The trial at one row of each view, but for its seed.
TrialPoint point_at(std::string const& method, Config const& defaults, std::vector<View> const& views,
                    std::vector<std::size_t> const& at, void (*validate)(Config const&)) {
    TrialPoint point{method, 1, defaults, {}, {}};
    std::string shown;
    for (std::size_t i = 0; i < views.size(); ++i) {
        for (Axis const* axis : views[i].axes) {
            AxisValue const& value = axis->values[views[i].rows[at[i]]];
            assign(point.config, axis->section, axis->key, value.text, axis->origin);
            point.axes[axis->name] = value.number;
            if (axis->is_text) { point.text_axes[axis->name] = value.same; }
            shown += concat(", ", axis->name, " = ", value.text);
        }
    }
    try {
        validate(point.config);
    } catch (ConfigError const& error) {
        if (shown.empty()) { throw; }
        std::string const origin = views.front().axes.front()->origin.location();
        throw ConfigError(origin, ": ", error.what(), " (in the trials of method ", method, shown, ")");
    }
    return point;
}

// Steps to the next point, the last view fastest; false after the last one.
bool advance(std::vector<std::size_t>& at, std::vector<View> const& views) {
    for (std::size_t i = views.size(); i-- > 0;) {
        if (++at[i] < views[i].rows.size()) { return true; }
        at[i] = 0;
    }
    return false;
}

}  // namespace

SweepSpec expand(std::span<Entry const> entries, Program const& program) {
    core::check(!program.methods.empty(), "no method is known");
    Config const defaults = apply(entries, program.defaults);
    SweepEntries const sweep = read_sweep(entries, program.methods, defaults);

    std::size_t count = 0;
    for (std::string const& method : sweep.methods) {
        count += count_trials(views_for(method, sweep.groups), sweep.seeds.size(), count);
    }
    SweepSpec spec;
    spec.trials.reserve(count);
    for (std::string const& method : sweep.methods) {
        auto const views = views_for(method, sweep.groups);
        std::vector<std::size_t> at(views.size(), 0);
        do {
            TrialPoint point = point_at(method, defaults, views, at, program.validate);
            for (std::int64_t const seed : sweep.seeds) {
                point.seed = seed;
                spec.trials.push_back(point);
            }
        } while (advance(at, views));
    }
    return spec;
}

}  // namespace alignsweep::config
