// SPDX-License-Identifier: Apache-2.0
// Starting and ending the backend, and its names.
#pragma once

#include <string>

namespace alignsweep::model {

// Throws ConfigError where --threads, a KOKKOS_* or OMP_* variable or a --kokkos-* flag asks for what there is not.
void check_runtime(int argc, char const* const* argv, int threads);

// Checks the same, then starts Kokkos, and ends it; threads = 0 leaves the choice to Kokkos and the environment.
class Runtime {
public:
    Runtime(int& argc, char** argv, int threads);
    ~Runtime();
    Runtime(Runtime const&) = delete;
    Runtime& operator=(Runtime const&) = delete;
};

// "openmp", "cuda", ...
[[nodiscard]] std::string backend_name();
// Of training: "float32".
[[nodiscard]] std::string scalar_name();
// "cblas", "cublas" or "kokkos", and the library's own word on what it is (version, kernels).
[[nodiscard]] std::string blas_name();
[[nodiscard]] std::string kokkos_version();
// Of the SIMD registers that kernels were compiled for; of a number on a device.
[[nodiscard]] int vector_bits();
// Threads that a launch may use.
[[nodiscard]] int concurrency();

}  // namespace alignsweep::model
