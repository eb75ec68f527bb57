// SPDX-License-Identifier: Apache-2.0
#include "infer/models.hpp"

#include "config/values.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "kernels/gemm/gemm.hpp"
#include "stages/stage.hpp"
#include "store/checkpoint.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

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
        throw core::IoError(core::concat(file.string(), ": attribute ", name, ": is missing, so this is no model"));
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

// A flat buffer on the host and its tensors, which a checkpoint is written from.
struct HostTensors {
    std::vector<Real> values;
    std::vector<store::NamedTensor> tensors;

    HostTensors(std::string const& prefix, Weights const& weights) : values(model::to_host(weights.values)) {
        for (model::Tensor const& tensor : weights.layout.tensors()) {
            std::span<Real const> const part(values.data() + tensor.offset, static_cast<std::size_t>(tensor.size()));
            tensors.push_back({prefix + tensor.name, tensor.dims(), part});
        }
    }
};

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

// Copies the tensors of a checkpoint that the model has; `all`: each of them must be there.
template <class Scalar>
void restore(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& prefix,
             model::Parameters<Space, Scalar>& weights, bool all) {
    check_tensors(checkpoint, file, prefix, weights.layout, all);
    auto host = model::to_host(weights.values);
    for (model::Tensor const& tensor : weights.layout.tensors()) {
        auto const* const stored = find_tensor(checkpoint, prefix + tensor.name);
        if (stored == nullptr) { continue; }
        std::visit(
            [&](auto const& values) {
                std::transform(values.begin(), values.end(), host.begin() + tensor.offset,
                               [](auto value) { return static_cast<Scalar>(value); });
            },
            stored->values);
    }
    model::from_host<Space, Scalar>(host, weights.values);
}

void restore_moment(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& name,
                    kernels::Vector<Space, Real> const& moment) {
    auto const found = checkpoint.optimizer.find(name);
    if (found == checkpoint.optimizer.end() || !std::holds_alternative<std::vector<Real>>(found->second) ||
        std::get<std::vector<Real>>(found->second).size() != moment.extent(0)) {
        throw core::IoError(core::concat(file.string(), ": optimizer/", name, ": is missing or of another size"));
    }
    model::from_host<Space, Real>(std::get<std::vector<Real>>(found->second), moment);
}

template <class T>
T state_of(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& name) {
    auto const found = checkpoint.state.find(name);
    if (found == checkpoint.state.end() || !std::holds_alternative<T>(found->second)) {
        throw core::IoError(core::concat(file.string(), ": state ", name, ": is missing"));
    }
    return std::get<T>(found->second);
}

std::filesystem::path progress_file(std::filesystem::path const& folder, std::int64_t step) {
    return folder / core::concat("checkpoint-", step, ".h5");
}

// Steps of the checkpoints in a folder, newest first.
std::vector<std::int64_t> progress_steps(std::filesystem::path const& folder) {
    std::vector<std::int64_t> steps;
    std::string const prefix = "checkpoint-", suffix = ".h5";
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        std::string const name = entry.path().filename().string();
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) { continue; }
        std::string const number = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
        if (!number.empty() &&
            std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c); })) {
            steps.push_back(std::stoll(number));
        }
    }
    std::sort(steps.rbegin(), steps.rend());
    return steps;
}

void write_model(std::filesystem::path const& file, Weights const& weights,
                 std::map<std::string, double> const& state) {
    HostTensors const host("", weights);
    for (store::NamedTensor const& tensor : host.tensors) {
        auto const values = std::get<std::span<Real const>>(tensor.values);
        if (!std::all_of(values.begin(), values.end(), [](Real value) { return std::isfinite(value); })) {
            throw core::TrialError(core::concat("after the last step ", tensor.name, " is not finite"));
        }
    }
    store::CheckpointView view{host.tensors, {}, {}, shape_attributes(weights.shape)};
    view.state.insert(state.begin(), state.end());
    store::save_checkpoint(file, view);
}

}  // namespace

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

template <class Scalar>
StoredModelAs<Scalar> load_model_as(std::filesystem::path const& file) {
    auto const checkpoint = load_checked(file, true);
    StoredModelAs<Scalar> model{model::Parameters<Space, Scalar>(shape_of(checkpoint, file)), {}};
    restore(checkpoint, file, "", model.weights, true);
    for (auto const& [name, value] : checkpoint.state) {
        if (auto const* number = std::get_if<double>(&value)) { model.state[name] = *number; }
    }
    return model;
}
template StoredModelAs<float> load_model_as<float>(std::filesystem::path const& file);
template StoredModelAs<double> load_model_as<double>(std::filesystem::path const& file);

StoredModel load_stored_model(std::filesystem::path const& folder) {
    return load_model_as<Real>(folder / "checkpoint.h5");
}

void save_model(std::filesystem::path const& folder, Weights const& weights,
                std::map<std::string, double> const& state) {
    write_model(folder / "checkpoint.h5", weights, state);
}

void save_value_model(std::filesystem::path const& folder, Weights const& weights) {
    write_model(folder / "value.h5", weights, {});
}

Weights load_value_model(std::filesystem::path const& folder) {
    return load_model_as<Real>(folder / "value.h5").weights;
}

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

void save_progress(std::filesystem::path const& folder, std::int64_t step, std::vector<Trainee> const& trainees,
                   std::map<std::string, double> const& state) {
    std::vector<HostTensors> hosts;
    std::vector<std::vector<Real>> moments;
    hosts.reserve(trainees.size());
    moments.reserve(2 * trainees.size());  // the view points into them
    store::CheckpointView view;
    for (Trainee const& trainee : trainees) {
        auto const& tensors = hosts.emplace_back(trainee.name, *trainee.weights).tensors;
        view.tensors.insert(view.tensors.end(), tensors.begin(), tensors.end());
        if (trainee.optimizer == nullptr) { continue; }
        auto const add_moment = [&](char const* name, kernels::Vector<Space, Real> const& moment) {
            view.optimizer[trainee.name + name] = std::span<Real const>(moments.emplace_back(model::to_host(moment)));
        };
        add_moment("first_moment", trainee.optimizer->first_moment);
        add_moment("second_moment", trainee.optimizer->second_moment);
        view.state[trainee.name + "steps_done"] = trainee.optimizer->steps_done();
    }
    view.state.insert(state.begin(), state.end());
    store::save_checkpoint(progress_file(folder, step), view);
    auto const steps = progress_steps(folder);
    for (std::size_t i = 2; i < steps.size(); ++i) { std::filesystem::remove(progress_file(folder, steps[i])); }
}

namespace {

void restore_progress(store::Checkpoint const& checkpoint, std::filesystem::path const& file,
                      std::vector<Trainee> const& trainees, std::map<std::string, double>& state) {
    for (Trainee const& trainee : trainees) {
        restore(checkpoint, file, trainee.name, *trainee.weights, true);
        if (trainee.optimizer == nullptr) { continue; }
        restore_moment(checkpoint, file, trainee.name + "first_moment", trainee.optimizer->first_moment);
        restore_moment(checkpoint, file, trainee.name + "second_moment", trainee.optimizer->second_moment);
        trainee.optimizer->set_steps_done(state_of<std::int64_t>(checkpoint, file, trainee.name + "steps_done"));
    }
    for (auto& [name, value] : state) { value = state_of<double>(checkpoint, file, name); }
}

}  // namespace

std::int64_t load_progress(std::filesystem::path const& folder, std::vector<Trainee> const& trainees,
                           std::map<std::string, double>& state) {
    for (std::int64_t const step : progress_steps(folder)) {
        auto const file = progress_file(folder, step);
        std::optional<store::Checkpoint> checkpoint;
        try {
            checkpoint = store::load_checkpoint(file);
        } catch (core::IoError const& error) {
            core::log_warning(core::concat(error.what(), "; going on from an earlier checkpoint"));
            continue;
        }
        restore_progress(*checkpoint, file, trainees, state);
        return step;
    }
    return 0;
}

void remove_progress(std::filesystem::path const& folder) {
    for (std::int64_t const step : progress_steps(folder)) { std::filesystem::remove(progress_file(folder, step)); }
}

}  // namespace alignsweep::infer
