// SPDX-License-Identifier: Apache-2.0
#include "sweep/sweep_ini.hpp"

#include "config/text.hpp"
#include "config/values.hpp"
#include "core/error.hpp"
#include "store/publish.hpp"

#include <map>

namespace alignsweep::sweep {

void write_sweep_ini(std::filesystem::path const& out, std::span<config::Entry const> entries) {
    std::map<std::string, std::map<std::string, std::string>> sections;
    for (config::Entry const& entry : entries) {
        auto const* key = config::find_key(entry.section, entry.key);
        std::string value = entry.value;
        if (key != nullptr && key->kind == config::Kind::file && !value.empty()) {
            value = config::quote(std::filesystem::absolute(entry.folder() / value).lexically_normal().string());
        }
        sections[entry.section][entry.key] = value;
    }
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
