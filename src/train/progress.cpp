// SPDX-License-Identifier: Apache-2.0
#include "train/progress.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "infer/tensors.hpp"
#include "stages/stage.hpp"

#include <optional>

namespace alignsweep::train {

namespace {

using stages::progress_file;
using stages::progress_steps;

std::vector<float> const& moment_of(store::Checkpoint const& checkpoint, std::filesystem::path const& file,
                                    std::string const& name, std::int64_t size) {
    auto const found = checkpoint.optimizer.find(name);
    auto const* const values =
        found == checkpoint.optimizer.end() ? nullptr : std::get_if<std::vector<float>>(&found->second);
    if (values == nullptr || static_cast<std::int64_t>(values->size()) != size) {
        throw core::IoError(core::concat(file.string(), ": optimizer/", name, ": is missing or of another size"));
    }
    return *values;
}

template <class T>
T state_of(store::Checkpoint const& checkpoint, std::filesystem::path const& file, std::string const& name) {
    auto const found = checkpoint.state.find(name);
    if (found == checkpoint.state.end() || !std::holds_alternative<T>(found->second)) {
        throw core::IoError(core::concat(file.string(), ": state ", name, ": is missing"));
    }
    return std::get<T>(found->second);
}

}  // namespace

void save_progress(std::filesystem::path const& folder, std::int64_t step, std::vector<Trainee> const& trainees,
                   std::map<std::string, double> const& state) {
    std::vector<infer::HostTensors> hosts;
    std::vector<model::Moments<>> moments;
    hosts.reserve(trainees.size());
    moments.reserve(trainees.size());  // the view points into them
    store::CheckpointView view;
    for (Trainee const& trainee : trainees) {
        auto const& tensors = hosts.emplace_back(trainee.name, *trainee.weights).tensors;
        view.tensors.insert(view.tensors.end(), tensors.begin(), tensors.end());
        if (trainee.learner == nullptr) { continue; }
        auto const& [first, second, steps_done] = moments.emplace_back(trainee.learner->moments());
        view.optimizer[trainee.name + "first_moment"] = std::span<float const>(first);
        view.optimizer[trainee.name + "second_moment"] = std::span<float const>(second);
        view.state[trainee.name + "steps_done"] = steps_done;
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
        infer::restore(checkpoint, file, trainee.name, *trainee.weights, true);
        if (trainee.learner == nullptr) { continue; }
        auto const moment = [&](char const* name) {
            return moment_of(checkpoint, file, trainee.name + name, trainee.weights->layout.size());
        };
        trainee.learner->set_moments<float>({moment("first_moment"), moment("second_moment"),
                                             state_of<std::int64_t>(checkpoint, file, trainee.name + "steps_done")});
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

}  // namespace alignsweep::train
