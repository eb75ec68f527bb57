// SPDX-License-Identifier: Apache-2.0
#include "store/manifest.hpp"

#include "core/digest.hpp"
#include "core/error.hpp"
#include "store/publish.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace alignsweep::store {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char const* schema = "alignsweep.stage";
constexpr int version = 1;

struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// JSON has no NaN and no infinities: they stand as text. Finite numbers are printed so that they read back exactly.
Json to_json(double value) {
    if (std::isfinite(value)) { return value; }
    if (std::isnan(value)) { return "NaN"; }
    return value > 0 ? "Infinity" : "-Infinity";
}

double number_from(Json const& value, std::string const& where) {
    if (value.is_number()) { return value.get<double>(); }
    if (value == "NaN") { return std::numeric_limits<double>::quiet_NaN(); }
    if (value == "Infinity") { return std::numeric_limits<double>::infinity(); }
    if (value == "-Infinity") { return -std::numeric_limits<double>::infinity(); }
    throw Malformed(where + " must be a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
}

std::string text_from(Json const& value, std::string const& where) {
    if (!value.is_string()) { throw Malformed(where + " must be a string"); }
    return value.get<std::string>();
}

Json to_json(std::map<std::string, double> const& values) {
    Json object = Json::object();
    for (auto const& [name, value] : values) { object[name] = to_json(value); }
    return object;
}

Json const& member(Json const& object, std::string const& name) {
    auto const found = object.find(name);
    if (found == object.end()) { throw Malformed("'" + name + "' is missing"); }
    return *found;
}

template <class Read>
auto map_from(Json const& object, std::string const& name, Read read) {
    Json const& entries = member(object, name);
    if (!entries.is_object()) { throw Malformed("'" + name + "' must be an object"); }
    std::map<std::string, decltype(read(entries, name))> values;
    for (auto const& [key, value] : entries.items()) { values.emplace(key, read(value, name + "." + key)); }
    return values;
}

Manifest manifest_from(Json const& json) {
    if (!json.is_object() || json.value("schema", Json()) != schema) {
        throw Malformed(std::string("is not a manifest: no schema '") + schema + "'");
    }
    if (member(json, "schema_version") != version) {
        throw Malformed("has version " + member(json, "schema_version").dump() + ", this program reads version " +
                        std::to_string(version));
    }
    Manifest manifest;
    manifest.kind = text_from(member(json, "kind"), "kind");
    manifest.key = text_from(member(json, "key"), "key");
    manifest.status = text_from(member(json, "status"), "status");
    manifest.inputs = map_from(json, "inputs", text_from);
    manifest.files = map_from(json, "files", text_from);
    manifest.metrics = map_from(json, "metrics", number_from);
    manifest.facts = map_from(json, "facts", text_from);
    manifest.seconds = number_from(member(json, "seconds"), "seconds");
    manifest.costs = map_from(json, "costs", number_from);
    return manifest;
}

}  // namespace

void write_manifest(fs::path const& folder, Manifest const& manifest) {
    Json const json = {{"schema", schema},
                       {"schema_version", version},
                       {"kind", manifest.kind},
                       {"key", manifest.key},
                       {"status", manifest.status},
                       {"inputs", manifest.inputs},
                       {"files", manifest.files},
                       {"metrics", to_json(manifest.metrics)},
                       {"facts", manifest.facts},
                       {"seconds", to_json(manifest.seconds)},
                       {"costs", to_json(manifest.costs)}};
    // A fact from outside (a host's name) may not be UTF-8; that must not lose the stage.
    write_text_atomically(folder / "stage.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<Manifest> read_manifest(fs::path const& folder) {
    fs::path const file = folder / "stage.json";
    std::error_code error;
    if (!fs::exists(file, error) && !error) { return {}; }
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();  // sets failbit for an empty file, which the parser refuses below
    if (!in) { throw core::IoError(core::concat(file.string(), ": can't be read")); }
    try {
        return manifest_from(Json::parse(text.str()));
    } catch (Malformed const& defect) {
        throw core::IoError(core::concat(file.string(), ": ", defect.what()));
    } catch (Json::exception const& defect) {
        throw core::IoError(core::concat(file.string(), ": is not valid JSON: ", defect.what()));
    }
}

void verify_files(fs::path const& folder, Manifest const& manifest) {
    for (auto const& [name, expected] : manifest.files) {
        fs::path const file = folder / name;
        // A manifest that points out of its folder is damaged or not ours.
        if (fs::path(name).filename() != name || name.empty() || name == "..") {
            throw core::IoError(core::concat((folder / "stage.json").string(), ": files: '", name,
                                             "' must be the name of a file in the same folder"));
        }
        std::string const found = core::digest_of_file(file);
        if (found != expected) {
            throw core::IoError(core::concat(file.string(), ": damaged or changed: its digest is ", found,
                                             ", stage.json says ", expected));
        }
    }
}

}  // namespace alignsweep::store
