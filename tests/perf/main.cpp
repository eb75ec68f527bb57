// SPDX-License-Identifier: Apache-2.0
// bench_alignsweep: medians of five short repetitions, unless flags of Google Benchmark say otherwise.
#include "bench.hpp"
#include "core/machine.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/instructions.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

namespace alignsweep::bench {

std::vector<Setting> const& settings() {
    static std::vector<Setting> const all{{"nano_64", 64, 2, 4, 172, 512, 32, 64},
                                          {"nano_128", 64, 2, 4, 172, 512, 32, 128},
                                          {"micro_128", 128, 4, 4, 344, 1024, 16, 128},
                                          {"small_128", 256, 6, 8, 688, 1024, 16, 128},
                                          {"base_256", 512, 8, 8, 1376, 4096, 8, 256}};
    return all;
}

Batch::Batch(Setting const& setting) {
    std::uint32_t state = 1;
    for (int s = 0; s < setting.sequences; ++s) {
        for (int t = 0; t < setting.length; ++t) {
            state = state * 1664525U + 1013904223U;
            if (t > 0) { target_rows.push_back(static_cast<std::int32_t>(tokens.size()) - 1); }
            tokens.push_back(static_cast<std::int32_t>((state >> 8) % static_cast<std::uint32_t>(setting.vocabulary)));
            if (t > 0) { target_tokens.push_back(tokens.back()); }
        }
        offsets.push_back(static_cast<std::int32_t>(tokens.size()));
    }
}

Vector filled(int size) {
    Vector view("alignsweep::bench::values", size);
    Kokkos::parallel_for(
        "alignsweep::bench::fill", Kokkos::RangePolicy<Space>(0, size), KOKKOS_LAMBDA(int i) {
            std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761U + 12345U;
            x ^= x >> 15;
            view(i) = static_cast<Real>(x % 1000U) / Real(1000) - Real(0.5);
        });
    return view;
}

Matrix filled(int rows, int columns) {
    Matrix view("alignsweep::bench::values", rows, columns);
    Kokkos::deep_copy(Vector(view.data(), view.size()), filled(rows * columns));
    return view;
}

double sgemm_peak() {
    static double const peak = [] {
        int const n = 2048;
        Space const space;
        Matrix const a = filled(n, n), b = filled(n, n), c = filled(n, n);
        std::vector<double> seconds;
        for (int i = 0; i < 12; ++i) {
            auto const begin = std::chrono::steady_clock::now();
            kernels::gemm<Space, Real>(space, kernels::Op::none, kernels::Op::none, a, b, false, c);
            space.fence("alignsweep::bench: peak");
            std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
            if (i > 0) { seconds.push_back(took.count()); }  // the first one warms up
        }
        std::nth_element(seconds.begin(), seconds.begin() + 5, seconds.end());
        return 2.0 * n * n * n / seconds[5] / 1e9;
    }();
    return peak;
}

}  // namespace alignsweep::bench

int main(int argc, char** argv) {
    using namespace alignsweep;
    Kokkos::ScopeGuard const kokkos(argc, argv);
    std::string repetitions = "--benchmark_repetitions=5", aggregates = "--benchmark_report_aggregates_only=true";
    std::string min_time = "--benchmark_min_time=0.1";
    std::vector<char*> arguments{argv[0], repetitions.data(), aggregates.data(), min_time.data()};
    arguments.insert(arguments.end(), argv + 1, argv + argc);  // the user's come last and win
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) { return 2; }

    std::ostringstream configuration;
    Kokkos::print_configuration(configuration);
    benchmark::AddCustomContext("kokkos", configuration.str());
    benchmark::AddCustomContext("execution_space", bench::Space::name());
    benchmark::AddCustomContext("concurrency", std::to_string(bench::Space().concurrency()));
    benchmark::AddCustomContext("processor", core::processor());
    benchmark::AddCustomContext("instructions", kernels::instruction_set());
    benchmark::AddCustomContext("vendor_library", kernels::vendor_library());
    benchmark::AddCustomContext("git_commit", core::git_commit());
    benchmark::AddCustomContext("version", core::version());
    benchmark::AddCustomContext("sgemm_peak_gflops", std::to_string(bench::sgemm_peak()));
    bench::add_gemm();
    bench::add_kernels();
    bench::add_models();
    bench::add_complexity();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
