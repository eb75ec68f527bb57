// SPDX-License-Identifier: Apache-2.0
#include "sweep/sweep_ini.hpp"

#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"
#include "kinds/kinds.hpp"
#include "store/publish.hpp"

#include <algorithm>
#include <map>

namespace alignsweep::sweep {

namespace {

std::string absolute(config::Entry const& entry, std::string const& path) {
    return config::quote(std::filesystem::absolute(entry.folder() / path).lexically_normal().string());
}

// The value with its paths made absolute: relative ones are relative to the file that they stand in.
std::string value_of(config::Entry const& entry) {
    bool const axis = entry.section == "sweep";
    std::string const& name = axis ? entry.key : entry.name();
    std::size_t const dot = std::min(name.find('.'), name.size());
    auto const key =
        config::find_key(name.substr(0, dot), name.substr(std::min(dot + 1, name.size())), kinds::program().defaults);
    if (!key || key->kind != config::Kind::file || entry.value.empty()) { return entry.value; }
    if (!axis) { return absolute(entry, entry.value); }
    std::vector<std::string> paths;
    for (std::string const& path : config::split_list(entry.value)) { paths.push_back(absolute(entry, path)); }
    return config::join(paths);
}

}  // namespace

void write_sweep_ini(std::filesystem::path const& out, std::span<config::Entry const> entries) {
    std::map<std::string, std::map<std::string, std::string>> sections;
    for (config::Entry const& entry : entries) { sections[entry.section][entry.key] = value_of(entry); }
    std::string text = "# Written by alignsweep: the sweep that this folder holds.\n";
    for (auto const& [section, keys] : sections) {
        text += "\n[" + section + "]\n";
        for (auto const& [key, value] : keys) { text += key + " = " + value + "\n"; }
    }
    store::write_text_atomically(out / "sweep.ini", text);
}

std::vector<config::Entry> read_sweep_ini(std::filesystem::path const& out) {
    if (!std::filesystem::exists(out / "sweep.ini")) {
        throw core::IoError(core::concat(out.string(), ": holds no sweep (sweep.ini is missing)"));
    }
    return config::read_ini(out / "sweep.ini");
}

}  // namespace alignsweep::sweep
