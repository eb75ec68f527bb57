// SPDX-License-Identifier: Apache-2.0
#include "store/checkpoint.hpp"

#include "core/error.hpp"

#include <utility>

namespace alignsweep::store {

namespace {

constexpr char const* schema = "alignsweep.checkpoint";
constexpr std::int64_t version = 1;

OwnedReals read_reals(FileReader const& reader, std::filesystem::path const& file, std::string const& path) {
    switch (reader.type(path)) {
        case ElementType::float32:
            return reader.read<float>(path);
        case ElementType::float64:
            return reader.read<double>(path);
        default:
            throw core::IoError(file.string(), ": dataset ", path, ": must be float32 or float64");
    }
}

}  // namespace

std::string save_checkpoint(std::filesystem::path const& file, CheckpointView const& checkpoint) {
    FileWriter writer(file, schema, version);
    for (auto const& [name, value] : checkpoint.attributes) { writer.set_attribute("/", name, value); }
    for (NamedTensor const& tensor : checkpoint.tensors) {
        core::check(tensor.name.find('/') == std::string::npos, "tensor name '", tensor.name, "' holds a slash");
        std::visit([&](auto values) { writer.write("/parameters/" + tensor.name, values, tensor.dims); },
                   tensor.values);
    }
    for (auto const& [name, values] : checkpoint.optimizer) {
        std::visit([&, path = "/optimizer/" + name](auto reals) { writer.write(path, reals); }, values);
    }
    for (auto const& [name, value] : checkpoint.state) {
        std::visit([&, key = name](auto number) { writer.set_attribute("/state", key, number); }, value);
    }
    return writer.publish();
}

Checkpoint load_checkpoint(std::filesystem::path const& file, CheckpointCheck const& check) {
    FileReader const reader(file, schema, version);
    Checkpoint checkpoint;
    std::string const parameters = "/parameters", optimizer = "/optimizer";
    if (reader.contains(parameters)) {
        for (std::string const& name : reader.list(parameters)) {
            checkpoint.tensors.push_back({name, reader.dims(parameters + "/" + name), {}});
        }
    }
    if (reader.contains("/state")) {
        for (auto const& [name, value] : reader.attributes("/state")) {
            if (auto const* integer = std::get_if<std::int64_t>(&value)) { checkpoint.state.emplace(name, *integer); }
            if (auto const* real = std::get_if<double>(&value)) { checkpoint.state.emplace(name, *real); }
        }
    }
    checkpoint.attributes = reader.attributes("/");
    checkpoint.attributes.erase("schema");
    checkpoint.attributes.erase("schema_version");
    if (check) { check(checkpoint); }
    for (StoredTensor& tensor : checkpoint.tensors) {
        tensor.values = read_reals(reader, file, parameters + "/" + tensor.name);
    }
    if (reader.contains(optimizer)) {
        for (std::string const& path : reader.datasets(optimizer)) {
            checkpoint.optimizer.emplace(path.substr(optimizer.size() + 1), read_reals(reader, file, path));
        }
    }
    return checkpoint;
}

}  // namespace alignsweep::store
