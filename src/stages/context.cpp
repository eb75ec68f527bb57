// SPDX-License-Identifier: Apache-2.0
#include "stages/context.hpp"

namespace alignsweep::stages {

void Context::log(std::int64_t step, std::map<std::string, double> const& metrics) {
    curves.append(step, {metrics.begin(), metrics.end()});
    std::chrono::duration<double> const since = std::chrono::steady_clock::now() - published_;
    if (since.count() < config.get<config::RunConfig>().metrics_seconds) { return; }
    curves.publish(folder() / "metrics.h5");
    published_ = std::chrono::steady_clock::now();
}

}  // namespace alignsweep::stages
