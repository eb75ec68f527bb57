// SPDX-License-Identifier: Apache-2.0
// What a result came from, beside its configuration.
#include "core/error.hpp"
#include "core/machine.hpp"
#include "model/runtime.hpp"
#include "stages/stage.hpp"
#include "store/file.hpp"

#include <fmt/core.h>
#include <spdlog/version.h>
#include <xxhash.h>
#include <zlib.h>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <utility>

namespace alignsweep::stages {

std::map<std::string, std::string> run_facts() {
    return {{"vector_bits", std::to_string(model::vector_bits())},
            {"backend", model::backend_name()},
            {"scalar", model::scalar_name()},
            {"blas", model::blas_name()},
            {"kokkos", model::kokkos_version()},
            {"compiler", __VERSION__},
            {"git_commit", core::git_commit()},
            {"softwareVersion", core::version()},
            {"processor", core::processor()}};
}

std::map<std::string, std::string> run_circumstances() {
    std::map<std::string, std::string> found{
        {"host", core::host_name()},
        {"threads", std::to_string(model::concurrency())},
        {"libraries",
         core::concat("Boost ", BOOST_VERSION / 100000, ".", BOOST_VERSION / 100 % 1000, ", fmt ", FMT_VERSION / 10000,
                      ".", FMT_VERSION / 100 % 100, ", HDF5 ", store::hdf5_version(), ", nlohmann-json ",
                      NLOHMANN_JSON_VERSION_MAJOR, ".", NLOHMANN_JSON_VERSION_MINOR, ", spdlog ", SPDLOG_VER_MAJOR, ".",
                      SPDLOG_VER_MINOR, ", xxHash ", XXH_VERSION_NUMBER / 10000, ".", XXH_VERSION_NUMBER / 100 % 100,
                      ".", XXH_VERSION_NUMBER % 100, ", zlib ", zlibVersion())}};
    for (auto const& [name, variable] : {std::pair{"slurm_job", "SLURM_JOB_ID"},
                                         {"slurm_array_job", "SLURM_ARRAY_JOB_ID"},
                                         {"slurm_array_task", "SLURM_ARRAY_TASK_ID"},
                                         {"slurm_restarts", "SLURM_RESTART_COUNT"}}) {
        if (char const* const value = std::getenv(variable)) { found[name] = value; }
    }
    return found;
}

}  // namespace alignsweep::stages
