// SPDX-License-Identifier: Apache-2.0
#include "infer/models.hpp"

#include "core/error.hpp"
#include "store/model_sizes.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace alignsweep::infer {

namespace {

// Calls visit(name, size) for each attribute of a model's file; the first are those of store::SizeNames, in their
// order.
template <class Sizes, class Visit>
void for_each_size(Sizes& sizes, Visit const& visit) {
    visit("vocabulary", sizes.vocabulary);
    visit("width", sizes.width);
    visit("depth", sizes.depth);
    visit("heads", sizes.heads);
    visit("kv_heads", sizes.kv_heads);
    visit("hidden", sizes.hidden);
    visit("context", sizes.context);
    visit("rope_theta", sizes.rope_theta);
    visit("norm_eps", sizes.norm_eps);
    visit("tied", sizes.tied);
    visit("scalar_head", sizes.scalar_head);
}

std::map<std::string, store::Attribute> shape_attributes(model::Shape const& shape) {
    std::map<std::string, store::Attribute> attributes;
    for_each_size(shape, [&]<class Size>(char const* name, Size size) {
        if constexpr (std::is_same_v<Size, double>) {
            attributes[name] = size;
        } else {
            attributes[name] = static_cast<std::int64_t>(size);
        }
    });
    return attributes;
}

// The shape that the attributes state, which some model can have.
model::Shape shape_of(store::Checkpoint const& checkpoint, std::filesystem::path const& file) {
    store::ModelSizes sizes;
    store::SizeNames names{};
    std::size_t count = 0;
    for_each_size(sizes, [&]<class Size>(char const* name, Size& size) {
        using Stored = std::conditional_t<std::is_same_v<Size, double>, double, std::int64_t>;
        auto const* const stored = find_value<Stored>(checkpoint.attributes, name);
        if (stored == nullptr) {
            throw core::IoError(file.string(), ": attribute ", name, ": is missing, so this is not a model");
        }
        Stored const value = *stored;
        if (std::is_same_v<Size, bool> && value != 0 && value != 1) {
            throw core::IoError(file.string(), ": attribute ", name, " = ", value, ": 0 or 1 is allowed");
        }
        size = static_cast<Size>(value);
        if (count < names.size()) { names[count++] = name; }
    });
    if (auto const defect = store::size_defect(sizes, names); !defect.empty()) {
        throw core::IoError(file.string(), ": attribute ", defect);
    }
    return model::make_shape(sizes, static_cast<int>(sizes.vocabulary), sizes.scalar_head);
}

store::StoredTensor const* find_tensor(store::Checkpoint const& checkpoint, std::string const& name) {
    auto const found = std::find_if(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                                    [&](auto const& tensor) { return tensor.name == name; });
    return found == checkpoint.tensors.end() ? nullptr : &*found;
}

// Whether a checkpoint has the tensors of a layout in their shapes; `all`: each must be there.
void check_tensors(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
                   model::Layout const& layout, bool all) {
    for (model::Tensor const& tensor : layout.tensors()) {
        auto const* const stored = find_tensor(checkpoint, prefix + tensor.name);
        if (stored == nullptr && !all) { continue; }
        if (stored == nullptr || stored->dims != tensor.dims()) {
            throw core::IoError(file.string(), ": tensor ", prefix, tensor.name,
                                stored == nullptr ? ": is missing" : ": has another shape");
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
                throw core::IoError(file.string(), ": tensor ", tensor.name, ": a model has no such");
            }
        }
    });
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

StoredModel load_model_file(std::filesystem::path const& file, model::Precision precision) {
    auto const checkpoint = load_checked(file, true);
    StoredModel model{Weights(shape_of(checkpoint, file), precision)};
    restore(checkpoint, file, "", model.weights, true);
    for (auto const& [name, value] : checkpoint.state) {
        if (auto const* number = std::get_if<double>(&value)) { model.state[name] = *number; }
    }
    return model;
}

void save_model_file(std::filesystem::path const& file, Weights const& weights,
                     std::map<std::string, double> const& state) {
    HostTensors const host("", weights);
    for (store::NamedTensor const& tensor : host.tensors) {
        auto const values = std::get<std::span<float const>>(tensor.values);
        if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
            throw core::TrialError("after the last step ", tensor.name, " is not finite");
        }
    }
    store::CheckpointView view{host.tensors, {}, {}, shape_attributes(weights.shape)};
    view.state.insert(state.begin(), state.end());
    store::save_checkpoint(file, view);
}

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
