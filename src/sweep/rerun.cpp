// SPDX-License-Identifier: Apache-2.0
#include "sweep/rerun.hpp"

#include "config/text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "store/manifest.hpp"

#include <unistd.h>

#include <fstream>

namespace alignsweep::sweep {

namespace {

// <out>/rerun-<process>/stages: links to all stages but one.
class Scratch {
public:
    Scratch(fs::path const& out, std::string const& id) : folder_(out / core::concat("rerun-", getpid())) {
        fs::create_directories(stages());
        for (auto const& entry : fs::directory_iterator(out / "stages")) {
            if (entry.path().filename() == id) { continue; }
            fs::create_directory_symlink(fs::absolute(entry.path()), stages() / entry.path().filename());
        }
    }
    ~Scratch() {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);  // of a link, the link alone
    }
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;
    [[nodiscard]] fs::path stages() const { return folder_ / "stages"; }

private:
    fs::path folder_;
};

// Values of two maps under one name that differ, or of which one is missing.
template <class Map, class Of>
void compare(std::string const& what, Map const& before, Map const& after, Of const& of,
             std::vector<std::string>& differences) {
    Map all = before;
    all.insert(after.begin(), after.end());
    for (auto const& [name, value] : all) {
        auto const old = before.find(name), now = after.find(name);
        if (old != before.end() && now != after.end() && of(old->second) == of(now->second)) { continue; }
        differences.push_back(what + name);
    }
}

// The first line of two traces that differs: number, and the kernel. Empty: they agree.
std::string first_launch(fs::path const& before, fs::path const& after) {
    std::ifstream old(before), now(after);
    std::string line, other;
    for (std::int64_t number = 1;; ++number) {
        bool const there = static_cast<bool>(std::getline(old, line)),
                   here = static_cast<bool>(std::getline(now, other));
        if (!there && !here) { return {}; }
        if (there != here || line != other) {
            std::string const& shown = here ? other : line;
            return core::concat("launch ", number, ", ", shown.substr(0, shown.find(' ')));
        }
    }
}

}  // namespace

std::vector<std::string> stages_named(Plan const& plan, std::vector<std::string> const& names) {
    std::set<std::string> kinds, chosen;
    for (auto const& [id, spec] : plan.stages) { kinds.insert(spec.kind); }
    for (std::string const& name : names) {
        std::size_t found = 0;
        for (auto const& [id, spec] : plan.stages) {
            if (name != "all" && name != spec.kind && name != id) { continue; }
            chosen.insert(id);
            ++found;
        }
        if (found == 0) {
            throw core::ConfigError(
                "no stage of this sweep is or has the kind ", core::excerpt(name), " (allowed: all, ",
                config::join(std::vector<std::string>(kinds.begin(), kinds.end())), ", or a stage's folder)");
        }
    }
    return {chosen.begin(), chosen.end()};
}

std::vector<std::string> rerun(Plan const& plan, fs::path const& out, std::string const& id) {
    auto const before = store::read_manifest(out / "stages" / id);
    if (!before) { throw core::IoError((out / "stages" / id).string(), ": the stage is not finished"); }
    Scratch const scratch(out, id);
    stages::StageHost host{scratch.stages(), [] { return false; }, [](double) {}};
    fs::path const trace = out / "stages" / id / "trace.txt";
    host.trace = fs::exists(trace);
    stages::execute(plan.stages.at(id), host);
    auto const after = store::read_manifest(scratch.stages() / id);
    std::vector<std::string> differences;
    compare(
        "", before->files, after->files, [](store::FileFact const& fact) { return fact.digest; }, differences);
    compare(
        "metric ", before->metrics, after->metrics, [](double value) { return value; }, differences);
    if (host.trace && !differences.empty()) {
        std::string const launch = first_launch(trace, scratch.stages() / id / "trace.txt");
        if (!launch.empty()) { differences.push_back("first at " + launch); }
    }
    return differences;
}

}  // namespace alignsweep::sweep
