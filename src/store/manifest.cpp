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
#include <cstring>
#include <fstream>
#include <limits>
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

namespace {

constexpr char const* schema = "alignsweep.stage";
constexpr int version = 2;
// A manifest is some kilobytes; a file of gigabytes under its name is none.
constexpr std::uintmax_t largest = 64 << 20;

struct Malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(fs::path const& folder, fs::path const& file, std::string const& what) {
    throw core::IoError(concat(file.string(), ": ", what, remedy(folder)));
}

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

std::int64_t integer_from(Json const& value, std::string const& where) {
    if (!value.is_number_integer()) { throw Malformed(where + " must be an integer"); }
    return value.get<std::int64_t>();
}

Json to_json(std::map<std::string, double> const& values) {
    Json object = Json::object();
    for (auto const& [name, value] : values) { object[name] = to_json(value); }
    return object;
}

Json const& member(Json const& object, std::string const& name) {
    if (!object.is_object()) { throw Malformed("an object with '" + name + "' is missing"); }
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

Json to_json(std::map<std::string, FileFact> const& files) {
    Json object = Json::object();
    for (auto const& [name, fact] : files) {
        object[name] = {{"digest", fact.digest}, {"bytes", fact.bytes}, {"modified_ns", fact.modified_ns}};
    }
    return object;
}

FileFact file_from(Json const& value, std::string const& where) {
    return {text_from(member(value, "digest"), where + ".digest"),
            integer_from(member(value, "bytes"), where + ".bytes"),
            integer_from(member(value, "modified_ns"), where + ".modified_ns")};
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
        throw Malformed(std::string("is not a manifest: no schema '") + schema + "'");
    }
    if (member(json, "schema_version") != version) {
        throw Malformed("has version " + core::shown(member(json, "schema_version")) + ", this program reads version " +
                        std::to_string(version));
    }
    if (text_from(member(json, "digest"), "digest") != proof_of(text)) {
        throw Malformed("damaged or changed: its content is not what its digest says");
    }
    Manifest manifest;
    manifest.kind = text_from(member(json, "kind"), "kind");
    manifest.key = text_from(member(json, "key"), "key");
    manifest.status = text_from(member(json, "status"), "status");
    manifest.inputs = map_from(json, "inputs", text_from);
    manifest.made_from = map_from(json, "made_from", text_from);
    manifest.files = map_from(json, "files", file_from);
    manifest.metrics = map_from(json, "metrics", number_from);
    manifest.facts = map_from(json, "facts", text_from);
    if (json.contains("circumstances")) { manifest.circumstances = map_from(json, "circumstances", text_from); }
    manifest.seconds = number_from(member(json, "seconds"), "seconds");
    manifest.costs = map_from(json, "costs", number_from);
    return manifest;
}

}  // namespace

FileFact describe_file(fs::path const& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        throw core::IoError(concat(file.string(), ": can't be read: ", std::strerror(errno)));
    }
    auto const seconds = static_cast<std::int64_t>(status.st_mtim.tv_sec);
    return {core::digest_of_file(file), status.st_size, seconds * 1'000'000'000 + status.st_mtim.tv_nsec};
}

void write_manifest(fs::path const& folder, Manifest const& manifest) {
    Json json = {{"schema", schema},
                 {"schema_version", version},
                 {"kind", manifest.kind},
                 {"key", manifest.key},
                 {"status", manifest.status},
                 {"inputs", manifest.inputs},
                 {"made_from", manifest.made_from},
                 {"files", to_json(manifest.files)},
                 {"metrics", to_json(manifest.metrics)},
                 {"facts", manifest.facts},
                 {"circumstances", manifest.circumstances},
                 {"seconds", to_json(manifest.seconds)},
                 {"costs", to_json(manifest.costs)}};
    json["digest"] = no_digest;
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
        throw core::IoError(defect.what() + remedy(folder));
    }
}

std::string key_of_identity(std::string const& identity) { return core::digest_of(identity).substr(0, 16); }

void check_place(fs::path const& folder, Manifest const& manifest) {
    fs::path const file = folder / "stage.json";
    auto const identity = manifest.facts.find("identity");
    if (manifest.status != "done") {
        fail(folder, file, concat("its status is '", core::excerpt(manifest.status), "', not 'done'"));
    }
    if (identity == manifest.facts.end() || manifest.key != key_of_identity(identity->second)) {
        fail(folder, file, concat("its key ", core::excerpt(manifest.key), " is not that of its identity"));
    }
    std::string const id = manifest.kind + "-" + manifest.key;
    if (folder.filename() != id) {
        fail(folder, file, concat("it is of the stage ", core::excerpt(id), ", not of this folder"));
    }
    std::string lines = "\n" + identity->second;
    bool agrees = lines.starts_with("\nkind=" + manifest.kind + "\n");
    std::size_t inputs = 0;
    for (std::size_t at = 0; (at = lines.find("\ninput.", at)) != std::string::npos; ++at) { ++inputs; }
    agrees = agrees && inputs == manifest.inputs.size();
    for (auto const& [role, id_of_input] : manifest.inputs) {
        agrees = agrees && lines.find(concat("\ninput.", role, "=", id_of_input, "\n")) != std::string::npos;
    }
    if (!agrees) { fail(folder, file, "its kind and inputs are not those of its identity"); }
}

namespace {

// Calls check(file, fact) for each file that the manifest names.
template <class Check>
void for_each_file(fs::path const& folder, Manifest const& manifest, Check const& check) {
    for (auto const& [name, fact] : manifest.files) {
        // A manifest that points out of its folder is damaged or not ours.
        if (fs::path(name).filename() != name || name.empty() || name == "..") {
            fail(folder, folder / "stage.json",
                 concat("files: '", core::excerpt(name), "' must be the name of a file in the same folder"));
        }
        check(folder / name, fact);
    }
}

// Returns the file's time; its size must be right, and it must not be a pipe or a device, which have no end.
std::int64_t check_size(fs::path const& folder, fs::path const& file, FileFact const& fact) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) { fail(folder, file, std::strerror(errno)); }
    if (!S_ISREG(status.st_mode)) { fail(folder, file, "is not a regular file"); }
    if (status.st_size != fact.bytes) {
        fail(folder, file,
             concat("damaged or changed: it has ", status.st_size, " bytes, stage.json says ", fact.bytes));
    }
    return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

void check_digest(fs::path const& folder, fs::path const& file, FileFact const& fact) {
    std::string found;
    try {
        found = core::digest_of_file(file);
    } catch (core::IoError const&) { fail(folder, file, "can't be read"); }
    if (found != fact.digest) {
        fail(folder, file,
             concat("damaged or changed: its digest is ", found, ", stage.json says ", core::excerpt(fact.digest)));
    }
}

}  // namespace

void check_files(fs::path const& folder, Manifest const& manifest) {
    for_each_file(folder, manifest, [&](fs::path const& file, FileFact const& fact) {
        if (check_size(folder, file, fact) != fact.modified_ns) { check_digest(folder, file, fact); }
    });
}

void verify_files(fs::path const& folder, Manifest const& manifest) {
    for_each_file(folder, manifest, [&](fs::path const& file, FileFact const& fact) {
        static_cast<void>(check_size(folder, file, fact));
        check_digest(folder, file, fact);
    });
}

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
