// SPDX-License-Identifier: Apache-2.0
// Reads what a results folder holds, and compares it with what its manifests and its index claim.
#include "sweep/index.hpp"

#include "core/error.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "store/sweep_file.hpp"
#include "sweep/claim.hpp"

#include <algorithm>

namespace alignsweep::sweep {

namespace {

// Curves that nothing can read are found here, not first by the index.
void check_curves(fs::path const& folder, store::Manifest const& manifest) {
    if (!manifest.files.contains("metrics.h5")) { return; }
    try {
        static_cast<void>(store::MetricStream::load(folder / "metrics.h5"));
    } catch (core::IoError const& error) { throw core::IoError(error.what() + store::remedy(folder)); }
}

void check_inputs(fs::path const& folder, store::Manifest const& manifest) {
    for (auto const& [role, id] : manifest.inputs) {
        std::string defect;
        try {
            auto const input = store::read_manifest(folder.parent_path() / id);
            if (!input) { continue; }
            store::check_place(folder.parent_path() / id, *input);
            defect = store::input_defect(folder, manifest, role, *input);
        } catch (core::IoError const&) {}  // that stage is the broken one
        if (!defect.empty()) { throw core::IoError(defect); }
    }
}

StageCheck check_stage(fs::path const& folder) {
    StageCheck check{folder.filename().string(), false, {}, 0};
    try {
        auto const manifest = store::read_manifest(folder);
        if (!manifest) { return check; }
        check.finished = true;
        store::check_place(folder, *manifest);
        store::verify_files(folder, *manifest);
        check_curves(folder, *manifest);
        check_inputs(folder, *manifest);
        for (auto const& [name, fact] : manifest->files) { check.bytes += fact.bytes; }
    } catch (core::IoError const& error) {
        check.finished = true;
        check.error = error.what();
    }
    return check;
}

}  // namespace

std::vector<StageCheck> verify_stages(fs::path const& out) {
    std::error_code error;
    auto folders = entries_of(out / "stages", error);
    // A stage is <kind>-<key>; a claim on it is <kind>-<key>.claim.
    std::erase_if(folders,
                  [](fs::path const& path) { return path.filename().string().find('.') != std::string::npos; });
    if (error) { throw core::IoError((out / "stages").string(), ": can't be listed: ", error.message()); }
    std::ranges::sort(folders);
    std::vector<StageCheck> checks;
    for (fs::path const& folder : folders) { checks.push_back(check_stage(folder)); }
    return checks;
}

std::string index_defect(fs::path const& out) {
    try {
        if (fs::exists(out / "sweep.h5")) { store::check_sweep(out / "sweep.h5"); }
        return {};
    } catch (core::IoError const& error) { return error.what(); }
}

fs::path set_aside(fs::path const& out, std::string const& id) {
    auto const claim = Claim::take(out / "stages" / (id + ".claim"));
    if (!claim) { return {}; }
    fs::path target = out / "set-aside" / id;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    for (int copy = 2; !error && fs::exists(target); ++copy) { target.replace_filename(core::concat(id, '.', copy)); }
    if (!error) { fs::rename(out / "stages" / id, target, error); }
    if (error) {
        throw core::IoError((out / "stages" / id).string(), ": can't be moved to ", target.parent_path().string(), ": ",
                            error.message());
    }
    return target;
}

}  // namespace alignsweep::sweep
