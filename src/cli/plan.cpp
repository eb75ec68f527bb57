// SPDX-License-Identifier: Apache-2.0
// plan: what a sweep would run.
#include "sweep/plan.hpp"
#include "cli/commands.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "kinds/kinds.hpp"
#include "sweep/progress.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace {

// Weighted FLOPs a second of one core: measured 1e11 with AVX-512 and 4e10 on the slowest machine seen. The estimate of
// time says that it is one.
constexpr double assumed_speed = 6e10;

struct KindSum {
    int stages = 0, done = 0, uses = 0;
    double tokens = 0.0, flops = 0.0;
};

}  // namespace

int plan_command(Arguments const& arguments) {
    auto const values =
        parse(arguments, "alignsweep plan FILE.ini... [--set section.key=value]... [--out DIR]",
              "Shows trials, stages, what they share and about what they cost; runs nothing.", "file", sweep_options());
    if (!values) { return 0; }
    auto const input = read_sweep(*values);
    auto const plan = sweep::make_plan(input.spec);
    std::map<std::string, KindSum> kinds;
    KindSum total;
    double left = 0.0;
    for (auto const& [id, spec] : plan.stages) {
        auto const estimate = kinds::estimate(spec);
        bool done = false;
        try {
            done = stages::is_done(input.out / "stages", id);
        } catch (core::IoError const& error) { core::log_warning(error.what()); }
        for (KindSum* const sum : {&kinds[spec.kind], &total}) {
            ++sum->stages;
            sum->done += done ? 1 : 0;
            sum->tokens += estimate.tokens;
            sum->flops += estimate.flops;
        }
        left += done ? 0.0 : estimate.work;
        for (auto const& trial : plan.trials) { kinds[spec.kind].uses += trial.stages.contains(id) ? 1 : 0; }
    }
    std::vector<std::vector<std::string>> table{{"stage", "to run", "done", "used by trials", "tokens", "FLOPs"}};
    auto const add = [&](std::string const& name, KindSum const& sum, std::string const& uses) {
        table.push_back({name, std::to_string(sum.stages - sum.done), std::to_string(sum.done), uses,
                         short_number(sum.tokens), short_number(sum.flops)});
    };
    for (auto const& [kind, sum] : kinds) { add(kind, sum, std::to_string(sum.uses)); }
    add("total", total, "");
    std::cout << plan.trials.size() << " rows (" << input.spec.trials.size() << " trials, and the base and SFT models"
              << " they start from), " << plan.stages.size() << " stages\n\n"
              << format_table(table) << "\nabout " << sweep::format_seconds(left / assumed_speed)
              << " of one core (an estimate from FLOPs; divide by the ranks)\nresults would go to "
              << input.out.string() << '\n';
    return 0;
}

}  // namespace alignsweep::cli
