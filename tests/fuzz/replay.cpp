// SPDX-License-Identifier: Apache-2.0
// The fuzz targets without a fuzzer: fuzz_replay SEEDS runs every target on each file of SEEDS/<target>/.
#include "fuzz/fuzz.hpp"

#include <iostream>
#include <iterator>
#include <vector>

// Each target is compiled with its own name in place of LLVMFuzzerTestOneInput.
#define ALIGNSWEEP_FUZZ_TARGET(name) extern "C" int fuzz_##name(std::uint8_t const* data, std::size_t size);
#include "fuzz_targets.inc"
#undef ALIGNSWEEP_FUZZ_TARGET

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    struct Target {
        char const* name;
        int (*run)(std::uint8_t const*, std::size_t);
    };
#define ALIGNSWEEP_FUZZ_TARGET(name) {#name, fuzz_##name},
    std::vector<Target> const targets{
#include "fuzz_targets.inc"
    };
    if (argc != 2) { return 2; }
    int inputs = 0;
    for (Target const& target : targets) {
        target.run(nullptr, 0);
        fs::path const folder = fs::path(argv[1]) / target.name;
        for (auto const& entry : fs::directory_iterator(folder)) {
            std::cerr << "replay: " << target.name << "/" << entry.path().filename().string() << std::endl;
            std::ifstream in(entry.path(), std::ios::binary);
            std::string const bytes{std::istreambuf_iterator<char>(in), {}};
            target.run(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
            ++inputs;
        }
    }
    if (targets.empty() || inputs == 0) {
        std::cerr << "replay: nothing to run\n";
        return 1;
    }
    std::cout << "replay: " << targets.size() << " targets, " << inputs << " inputs: no finding\n";
    return 0;
}
