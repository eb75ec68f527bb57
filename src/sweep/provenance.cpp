// SPDX-License-Identifier: Apache-2.0
#include "sweep/provenance.hpp"

#include "config/text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace alignsweep::sweep {

namespace {
constexpr char const* identity = "identity";  // what the stage is, not where it comes from
}

std::vector<Difference> stage_facts(Ledger const& ledger, std::set<std::string> const& ids) {
    std::map<std::string, std::map<std::string, std::size_t>> facts;
    std::size_t finished = 0;
    for (std::string const& id : ids) {
        if (ledger.status(id) != StageStatus::done) { continue; }
        ++finished;
        for (auto const& [name, value] : ledger.manifest(id).facts) {
            if (name != identity) { ++facts[name][value]; }
        }
    }
    std::vector<Difference> all;
    for (auto& [name, values] : facts) {
        std::size_t known = 0;
        for (auto const& [value, stages] : values) { known += stages; }
        if (known < finished) { values["unknown"] += finished - known; }
        all.push_back({name, std::move(values)});
    }
    return all;
}

std::map<std::string, std::string> circumstances(Ledger const& ledger, std::set<std::string> const& ids) {
    std::map<std::string, std::set<std::string>> all;
    for (std::string const& id : ids) {
        if (ledger.status(id) != StageStatus::done) { continue; }
        for (auto const& [name, value] : ledger.manifest(id).circumstances) { all[name].insert(value); }
    }
    std::map<std::string, std::string> joined;
    for (auto const& [name, values] : all) {
        if (name == "started" || name == "ended") {
            joined[name] = name == "started" ? *values.begin() : *values.rbegin();
        } else {
            joined[name] = config::join(std::vector<std::string>(values.begin(), values.end()), "; ");
        }
    }
    return joined;
}

std::string describe_differences(Plan const& plan, Ledger const& ledger,
                                 std::map<std::string, std::string> const& here) {
    std::set<std::string> ids;
    for (auto const& [id, spec] : plan.stages) { ids.insert(id); }
    std::vector<std::string> told;
    for (auto& [name, values] : stage_facts(ledger, ids)) {
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

}  // namespace alignsweep::sweep
