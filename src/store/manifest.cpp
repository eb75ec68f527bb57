// SPDX-License-Identifier: Apache-2.0
#include "store/manifest.hpp"

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "store/publish.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <concepts>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace alignsweep::store {

namespace fs = std::filesystem;
using core::concat;
using core::Json;

std::string remedy(fs::path const& folder) {
    // Stages lie in <results>/stages/<id>.
    fs::path const results = fs::absolute(folder).lexically_normal().parent_path().parent_path();
    std::string quoted;
    for (char const c : results.string()) { quoted += c == '\'' ? "'\\''" : std::string(1, c); }
    return concat("; `alignsweep repair '", quoted, "'` sets the stage aside, and the next run makes it again");
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FileFact, digest, bytes, modified_ns)

namespace {

using Numbers = std::map<std::string, double>;

constexpr char const* schema = "alignsweep.stage";
constexpr int version = 2;
// A manifest is some kilobytes; a file of gigabytes under its name is none.
constexpr std::uintmax_t largest = 64 << 20;

struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class... What>
[[noreturn]] void fail(fs::path const& folder, fs::path const& file, What const&... what) {
    throw core::IoError(file.string(), ": ", what..., remedy(folder));
}

// Calls visit(name, field) for each field of stage.json, but for schema, version and digest.
template <class Object, class Visit>
void for_each_field(Object& manifest, Visit visit) {
    visit("kind", manifest.kind);
    visit("key", manifest.key);
    visit("status", manifest.status);
    visit("inputs", manifest.inputs);
    visit("made_from", manifest.made_from);
    visit("files", manifest.files);
    visit("metrics", manifest.metrics);
    visit("facts", manifest.facts);
    visit("circumstances", manifest.circumstances);
    visit("seconds", manifest.seconds);
    visit("costs", manifest.costs);
}

// JSON has no NaN and no infinities: they stand as text. Finite numbers are printed so that they read back exactly.
Json number_to_json(double value) {
    if (std::isfinite(value)) { return value; }
    if (std::isnan(value)) { return "NaN"; }
    return value > 0 ? "Infinity" : "-Infinity";
}

double number_from_json(Json const& json) {
    if (json == "NaN") { return std::numeric_limits<double>::quiet_NaN(); }
    if (json == "Infinity") { return std::numeric_limits<double>::infinity(); }
    if (json == "-Infinity") { return -std::numeric_limits<double>::infinity(); }
    return json.get<double>();
}

template <class Value>
Json field_to_json(Value const& value) {
    if constexpr (std::same_as<Value, double>) { return number_to_json(value); }
    Json json = value;
    if constexpr (std::same_as<Value, Numbers>) {
        for (auto const& [name, number] : value) { json[name] = number_to_json(number); }
    }
    return json;
}

template <class Value>
void field_from_json(Json const& json, Value& value) {
    if constexpr (std::same_as<Value, double>) {
        value = number_from_json(json);
    } else if constexpr (std::same_as<Value, Numbers>) {
        for (auto const& [name, number] : json.get<Json::object_t>()) { value[name] = number_from_json(number); }
    } else {
        json.get_to(value);
    }
}

// The digest stands for all bytes of the file, with zeros in its own place: a value can be written in several ways, and
// a flipped bit that makes an e an E is one too many.
constexpr std::string_view digest_mark = "\n  \"digest\": \"";
std::string const no_digest(32, '0');

std::string proof_of(std::string text) {
    std::size_t const mark = text.find(digest_mark);
    if (mark == std::string::npos) { return {}; }
    text.replace(std::min(mark + digest_mark.size(), text.size()), no_digest.size(), no_digest);
    return core::digest_of(text);
}

Manifest manifest_from(Json const& json, std::string const& text) {
    if (!json.is_object() || json.value("schema", Json()) != schema) {
        throw Malformed(concat("is not a manifest: no schema '", schema, "'"));
    }
    if (Json const found = json.value("schema_version", Json()); found != version) {
        throw Malformed(concat("has version ", core::shown(found), ", this program reads version ", version));
    }
    Json const digest = json.value("digest", Json());
    if (!digest.is_string()) { throw Malformed("'digest' is missing"); }
    if (digest != proof_of(text)) { throw Malformed("damaged or changed: its content is not what its digest says"); }
    Manifest manifest;
    for_each_field(manifest, [&](std::string const& name, auto& field) {
        if (name == "circumstances" && !json.contains(name)) { return; }  // earlier manifests have none
        try {
            field_from_json(json.at(name), field);
        } catch (Json::exception const&) { throw Malformed("'" + name + "' is missing, or of another type"); }
    });
    return manifest;
}

std::int64_t modified_ns(struct stat const& status) {
    return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

FileFact describe_file(fs::path const& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        throw core::IoError(file.string(), ": can't be read: ", std::strerror(errno));
    }
    return {core::digest_of_file(file), status.st_size, modified_ns(status)};
}

void write_manifest(fs::path const& folder, Manifest const& manifest) {
    Json json = {{"schema", schema}, {"schema_version", version}, {"digest", no_digest}};
    for_each_field(manifest, [&](char const* name, auto const& field) { json[name] = field_to_json(field); });
    // A fact from outside (a host's name) may not be UTF-8; that must not lose the stage.
    std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    std::string const proof = proof_of(text);
    write_text_atomically(folder / "stage.json",
                          text.replace(text.find(digest_mark) + digest_mark.size(), proof.size(), proof));
}

std::optional<Manifest> read_manifest(fs::path const& folder) {
    fs::path const file = folder / "stage.json";
    std::error_code error;
    if (!fs::exists(file, error) && !error) {
        // Something else in a stage's place could neither be used nor made.
        auto const place = fs::symlink_status(folder, error);
        if (fs::exists(place) && !fs::is_directory(folder, error)) { fail(folder, folder, "is not a folder"); }
        return {};
    }
    if (!fs::is_regular_file(file, error)) { fail(folder, file, "is not a regular file"); }
    if (fs::file_size(file, error) > largest) { fail(folder, file, "is too large for a manifest"); }
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();  // sets failbit for an empty file, which the parser refuses below
    if (!in) { fail(folder, file, "can't be read"); }
    try {
        return manifest_from(core::parse_json(text.str(), file.string()), text.str());
    } catch (Malformed const& defect) { fail(folder, file, defect.what()); } catch (core::IoError const& defect) {
        throw core::IoError(defect.what(), remedy(folder));
    }
}

std::string key_of_identity(std::string const& identity) { return core::digest_of(identity).substr(0, 16); }

void check_place(fs::path const& folder, Manifest const& manifest) {
    fs::path const file = folder / "stage.json";
    auto const identity = manifest.facts.find("identity");
    if (manifest.status != "done") {
        fail(folder, file, "its status is '", core::excerpt(manifest.status), "', not 'done'");
    }
    if (identity == manifest.facts.end() || manifest.key != key_of_identity(identity->second)) {
        fail(folder, file, "its key ", core::excerpt(manifest.key), " is not that of its identity");
    }
    std::string const id = manifest.kind + "-" + manifest.key;
    if (folder.filename() != id) {
        fail(folder, file, "it is of the stage ", core::excerpt(id), ", not of this folder");
    }
    std::string const lines = "\n" + identity->second;
    bool agrees = lines.starts_with("\nkind=" + manifest.kind + "\n");
    std::size_t inputs = 0;
    for (std::size_t at = 0; (at = lines.find("\ninput.", at)) != std::string::npos; ++at) { ++inputs; }
    agrees = agrees && inputs == manifest.inputs.size();
    for (auto const& [role, input] : manifest.inputs) {
        agrees = agrees && lines.find(concat("\ninput.", role, "=", input, "\n")) != std::string::npos;
    }
    if (!agrees) { fail(folder, file, "its kind and inputs are not those of its identity"); }
}

namespace {

// Holds each file that the manifest names against its size, and against its digest: all of them, or those of another
// time than the manifest's.
void check_contents(fs::path const& folder, Manifest const& manifest, bool all) {
    for (auto const& [name, fact] : manifest.files) {
        // A manifest that points out of its folder is damaged or not ours.
        if (fs::path(name).filename() != name || name.empty() || name == "..") {
            fail(folder, folder / "stage.json", "files: '", core::excerpt(name),
                 "' must be the name of a file in the same folder");
        }
        fs::path const file = folder / name;
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0) { fail(folder, file, std::strerror(errno)); }
        if (!S_ISREG(status.st_mode)) { fail(folder, file, "is not a regular file"); }  // a pipe has no end
        if (status.st_size != fact.bytes) {
            fail(folder, file, "damaged or changed: it has ", status.st_size, " bytes, stage.json says ", fact.bytes);
        }
        if (!all && modified_ns(status) == fact.modified_ns) { continue; }
        std::string found;
        try {
            found = core::digest_of_file(file);
        } catch (core::IoError const&) { fail(folder, file, "can't be read"); }
        if (found != fact.digest) {
            fail(folder, file, "damaged or changed: its digest is ", found, ", stage.json says ",
                 core::excerpt(fact.digest));
        }
    }
}

}  // namespace

void check_files(fs::path const& folder, Manifest const& manifest) { check_contents(folder, manifest, false); }
void verify_files(fs::path const& folder, Manifest const& manifest) { check_contents(folder, manifest, true); }

std::string content_digest(Manifest const& manifest) {
    core::Digest digest;
    for (auto const& [name, fact] : manifest.files) {
        digest.update(name).update("=").update(fact.digest).update("\n");
    }
    return digest.hex();
}

std::string input_defect(fs::path const& folder, Manifest const& manifest, std::string const& role,
                         Manifest const& input) {
    auto const found = manifest.made_from.find(role);
    if (found == manifest.made_from.end() || found->second == content_digest(input)) { return {}; }
    return concat((folder / "stage.json").string(), ": was made from another ", manifest.inputs.at(role),
                  " than the one that stands now, which was made again and differs", remedy(folder));
}

}  // namespace alignsweep::store
