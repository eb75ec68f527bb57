// SPDX-License-Identifier: Apache-2.0
#include "infer/models.hpp"

#include "config/values.hpp"
#include "core/error.hpp"
#include "infer/tensors.hpp"

#include <algorithm>
#include <cmath>

namespace alignsweep::infer {

namespace {

using store::Attribute;

std::map<std::string, Attribute> shape_attributes(model::Shape const& shape) {
    auto const integer = [](int value) { return Attribute(std::int64_t(value)); };
    return {{"vocabulary", integer(shape.vocabulary)},
            {"width", integer(shape.width)},
            {"depth", integer(shape.depth)},
            {"heads", integer(shape.heads)},
            {"kv_heads", integer(shape.kv_heads)},
            {"hidden", integer(shape.hidden)},
            {"context", integer(shape.context)},
            {"tied", integer(shape.tied ? 1 : 0)},
            {"scalar_head", integer(shape.scalar_head ? 1 : 0)},
            {"rope_theta", shape.rope_theta},
            {"norm_eps", shape.norm_eps}};
}

template <class T>
T attribute(store::Checkpoint const& checkpoint, std::filesystem::path const& file, char const* name) {
    auto const found = checkpoint.attributes.find(name);
    if (found == checkpoint.attributes.end() || !std::holds_alternative<T>(found->second)) {
        throw core::IoError(core::concat(file.string(), ": attribute ", name, ": is missing, so this is not a model"));
    }
    return std::get<T>(found->second);
}

// The shape that the attributes state, which some model can have.
model::Shape shape_of(store::Checkpoint const& checkpoint, std::filesystem::path const& file) {
    auto const integer = [&](char const* name) { return attribute<std::int64_t>(checkpoint, file, name); };
    auto const flag = [&](char const* name) {
        std::int64_t const value = integer(name);
        if (value == 0 || value == 1) { return value == 1; }
        throw core::IoError(core::concat(file.string(), ": attribute ", name, " = ", value, ": 0 or 1 is allowed"));
    };
    auto const real = [&](char const* name) { return attribute<double>(checkpoint, file, name); };
    store::ModelSizes const sizes{integer("vocabulary"), integer("width"),  integer("depth"),   integer("heads"),
                                  integer("kv_heads"),   integer("hidden"), integer("context"), real("rope_theta"),
                                  real("norm_eps"),      flag("tied"),      flag("scalar_head")};
    constexpr store::SizeNames names{"vocabulary", "width",   "depth",      "heads",   "kv_heads",
                                     "hidden",     "context", "rope_theta", "norm_eps"};
    if (auto const defect = store::size_defect(sizes, names); !defect.empty()) {
        throw core::IoError(core::concat(file.string(), ": attribute ", defect));
    }
    return make_shape(sizes);
}

store::StoredTensor const* find_tensor(store::Checkpoint const& checkpoint, std::string const& name) {
    auto const found = std::find_if(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                                    [&](auto const& tensor) { return tensor.name == name; });
    return found == checkpoint.tensors.end() ? nullptr : &*found;
}

// Whether a checkpoint has the tensors of a layout in their shapes, and no others; `all`: each must be there.
void check_tensors(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
                   model::Layout const& layout, bool all) {
    for (model::Tensor const& tensor : layout.tensors()) {
        auto const* const stored = find_tensor(checkpoint, prefix + tensor.name);
        if (stored == nullptr && !all) { continue; }
        if (stored == nullptr || stored->dims != tensor.dims()) {
            throw core::IoError(core::concat(file.string(), ": tensor ", prefix, tensor.name,
                                             stored == nullptr ? ": is missing" : ": has another shape"));
        }
    }
}

// The whole of a model's file: its shape is checked, and every tensor against it, before any is read.
store::Checkpoint load_checked(std::filesystem::path const& file, bool all) {
    return store::load_checkpoint(file, [&](store::Checkpoint const& outline) {
        model::Shape const shape = shape_of(outline, file);
        model::Layout const layout(shape);
        check_tensors(outline, file, "", layout, all);
        auto const& known = layout.tensors();
        for (store::StoredTensor const& tensor : outline.tensors) {
            if (std::none_of(known.begin(), known.end(), [&](auto const& k) { return k.name == tensor.name; })) {
                throw core::IoError(core::concat(file.string(), ": tensor ", tensor.name, ": a model has no such"));
            }
        }
    });
}

void write_model(std::filesystem::path const& file, Weights const& weights,
                 std::map<std::string, double> const& state) {
    HostTensors const host("", weights);
    for (store::NamedTensor const& tensor : host.tensors) {
        auto const values = std::get<std::span<float const>>(tensor.values);
        if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
            throw core::TrialError(core::concat("after the last step ", tensor.name, " is not finite"));
        }
    }
    store::CheckpointView view{host.tensors, {}, {}, shape_attributes(weights.shape)};
    view.state.insert(state.begin(), state.end());
    store::save_checkpoint(file, view);
}

}  // namespace

HostTensors::HostTensors(std::string const& prefix, Weights const& weights) : values(model::to_host(weights)) {
    for (model::Tensor const& tensor : weights.layout.tensors()) {
        std::span<float const> const part(values.data() + tensor.offset, static_cast<std::size_t>(tensor.size()));
        tensors.push_back({prefix + tensor.name, tensor.dims(), part});
    }
}

void restore(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
             Weights& weights, bool all) {
    check_tensors(checkpoint, file, prefix, weights.layout, all);
    for (model::Tensor const& tensor : weights.layout.tensors()) {
        auto const* const stored = find_tensor(checkpoint, prefix + tensor.name);
        if (stored == nullptr) { continue; }
        std::visit([&](auto const& values) { model::set_tensor(weights, tensor, values); }, stored->values);
    }
}

model::Shape make_shape(store::ModelSizes const& sizes) {
    return {static_cast<int>(sizes.vocabulary),
            static_cast<int>(sizes.width),
            static_cast<int>(sizes.depth),
            static_cast<int>(sizes.heads),
            static_cast<int>(sizes.kv_heads),
            static_cast<int>(sizes.hidden),
            static_cast<int>(sizes.context),
            sizes.rope_theta,
            sizes.norm_eps,
            sizes.tied,
            sizes.scalar_head};
}

StoredModel load_model_file(std::filesystem::path const& file, model::Precision precision) {
    auto const checkpoint = load_checked(file, true);
    StoredModel model{Weights(shape_of(checkpoint, file), precision)};
    restore(checkpoint, file, "", model.weights, true);
    for (auto const& [name, value] : checkpoint.state) {
        if (auto const* number = std::get_if<double>(&value)) { model.state[name] = *number; }
    }
    return model;
}

StoredModel load_stored_model(std::filesystem::path const& folder) { return load_model_file(folder / "checkpoint.h5"); }

void save_model(std::filesystem::path const& folder, Weights const& weights,
                std::map<std::string, double> const& state) {
    write_model(folder / "checkpoint.h5", weights, state);
}

void save_value_model(std::filesystem::path const& folder, Weights const& weights) {
    write_model(folder / "value.h5", weights, {});
}

Weights load_value_model(std::filesystem::path const& folder) { return load_model_file(folder / "value.h5").weights; }

Weights load_model(std::filesystem::path const& folder) { return load_stored_model(folder).weights; }

Weights load_model_with_head(std::filesystem::path const& folder, std::uint64_t seed) {
    auto const file = folder / "checkpoint.h5";
    auto const checkpoint = load_checked(file, false);
    model::Shape shape = shape_of(checkpoint, file);
    shape.scalar_head = true;
    Weights weights(shape);
    model::initialise(weights, seed, 0.02, 0.02);  // what the file has overwrites it: only a new head keeps it
    restore(checkpoint, file, "", weights, false);
    return weights;
}

}  // namespace alignsweep::infer
