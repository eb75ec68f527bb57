// SPDX-License-Identifier: Apache-2.0
#include "train/loop.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "infer/models.hpp"
#include "stages/stage.hpp"

#include <chrono>
#include <optional>

namespace alignsweep::train {

namespace {

namespace fs = std::filesystem;

using stages::progress_file;
using stages::progress_steps;

void save_progress(fs::path const& folder, std::int64_t step, std::vector<Trainee> const& trainees,
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
    for (std::size_t i = 2; i < steps.size(); ++i) { fs::remove(progress_file(folder, steps[i])); }
}

void restore_progress(store::Checkpoint const& checkpoint, fs::path const& file, std::vector<Trainee> const& trainees,
                      std::map<std::string, double>& state) {
    auto const number = [&]<class T>(std::string const& name, T& value) {
        auto const* const stored = infer::find_value<T>(checkpoint.state, name);
        if (stored == nullptr) { throw core::IoError(file.string(), ": state ", name, ": is missing"); }
        value = *stored;
    };
    for (Trainee const& trainee : trainees) {
        infer::restore(checkpoint, file, trainee.name, *trainee.weights, true);
        if (trainee.learner == nullptr) { continue; }
        auto const moment = [&](std::string const& name) {
            auto const* const values = infer::find_value<std::vector<float>>(checkpoint.optimizer, name);
            if (values == nullptr || static_cast<std::int64_t>(values->size()) != trainee.weights->layout.size()) {
                throw core::IoError(file.string(), ": optimizer/", name, ": is missing or of another size");
            }
            return *values;
        };
        model::Moments<> moments{moment(trainee.name + "first_moment"), moment(trainee.name + "second_moment"), 0};
        number(trainee.name + "steps_done", moments.steps_done);
        trainee.learner->set_moments(moments);
    }
    for (auto& [name, value] : state) { number(name, value); }
}

std::int64_t load_progress(fs::path const& folder, std::vector<Trainee> const& trainees,
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

}  // namespace

std::map<std::string, double> run_steps(stages::Context& context, std::vector<Trainee> const& trainees,
                                        std::map<std::string, double>& state, std::int64_t steps, Step const& step) {
    std::int64_t const first = load_progress(context.folder(), trainees, state);
    context.curves.trim(first - 1);
    auto saved = std::chrono::steady_clock::now();
    std::map<std::string, double> metrics;
    for (std::int64_t s = first; s < steps; ++s) {
        metrics = step(s);
        context.log(s, metrics);
        context.progress(static_cast<double>(s + 1) / static_cast<double>(steps));
        bool const stop = context.stop_requested();
        std::chrono::duration<double> const since = std::chrono::steady_clock::now() - saved;
        if (stop || since.count() > context.pace().checkpoint_seconds) {
            context.publish_curves();
            save_progress(context.folder(), s + 1, trainees, state);
            saved = std::chrono::steady_clock::now();
        }
        if (stop) { throw core::Stopped(); }
    }
    return metrics;
}

}  // namespace alignsweep::train
