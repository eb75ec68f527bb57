// SPDX-License-Identifier: Apache-2.0
#include "train/loop.hpp"

#include "core/error.hpp"

namespace alignsweep::train {

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
