// SPDX-License-Identifier: Apache-2.0
// Training and generation give the same bytes on every machine and backend, and whatever the number of threads: the
// test starts its own program again with other values of OMP_NUM_THREADS and compares digests.
#include "core/digest.hpp"
#include "model/learner.hpp"
#include "model/runtime.hpp"
#include "model/small_model.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace alignsweep::model {
namespace {

// Of every build: another one means that bits have moved, and all kinds' versions must rise.
constexpr char const* golden = "8c1725033622078f974d0fcd250f91c5";
constexpr char const* digest_file_variable = "ALIGNSWEEP_DIGEST_FILE";

// Three steps of two chunks each, then samples.
template <class Scalar>
void train_and_sample(Shape const& shape, test::Ints const& lengths, core::Digest& digest) {
    Weights weights(shape, precision_of<Scalar>);
    initialise(weights, 1, 0.1, 0.25);
    Learner learner(weights, {.learning_rate = 1e-2, .weight_decay = 0.1});
    for (int step = 0; step < 3; ++step) {
        for (int chunk = 0; chunk < 2; ++chunk) {
            SmallBatch const batch(lengths, shape.vocabulary, std::to_string(2 * step + chunk));
            auto const outputs = learner.forward(batch.input(true), 0.9);
            std::size_t const targets = batch.target_rows.size();
            learner.backward({Numbers(targets, -1.0 / static_cast<double>(targets)), Numbers(targets, -1e-3),
                              Numbers(batch.value_rows.size(), 0.1)});
            digest.update(std::span<double const>(outputs.logprob)).update(std::span<double const>(outputs.entropy));
        }
        double const norm = learner.step(1e-2);
        digest.update(&norm, sizeof norm);
    }
    auto const trained = to_host<Scalar>(weights);
    digest.update(std::span<Scalar const>(trained));
    std::vector<test::Ints> const prompts{{1, 2, 3}, {4}, {5, 6}};
    test::Ints const ids{0, 1, 2};
    core::RandomStream const stream(1, "test/determinism");
    for (auto const& made :
         learner.transformer().generate(weights, {prompts, ids, {.top_k = 50}, stream, 0, 40, 0, 2})) {
        digest.update(std::span<std::int32_t const>(made.tokens)).update(std::span<double const>(made.logprobs));
    }
}

std::string digest_here() {
    // Large enough for several tiles of every kind.
    Shape const shape{300, 32, 2, 4, 2, 72, 128, 10000.0, 1e-5, true, true};
    test::Ints const lengths{100, 37, 120, 1, 64};
    core::Digest digest;
    train_and_sample<float>(shape, lengths, digest);
    train_and_sample<double>(shape, lengths, digest);
    return digest.hex();
}

// Runs only when the test below starts it.
void write_digest() {
    char const* const file = std::getenv(digest_file_variable);
    if (file == nullptr) { GTEST_SKIP() << "started by SameBytesForAnyNumberOfThreads"; }
    std::ofstream(file) << concurrency() << " " << digest_here();
}

void same_bytes_for_any_number_of_threads() {
    std::string const here = digest_here();
    EXPECT_EQ(here, golden) << "with instructions of " << instruction_set();
    EXPECT_EQ(digest_here(), here) << "a second run in one process";
    if (backend_name() != "openmp") { return; }  // no threads of the host compute
    std::string const program = std::filesystem::read_symlink("/proc/self/exe");
    auto const file = std::filesystem::temp_directory_path() / ("alignsweep_digest_" + std::to_string(getpid()));
    for (int const threads : {1, 2, 3}) {
        std::string const command =
            digest_file_variable + ("='" + file.string()) +
            "' OMP_PROC_BIND=false OMP_WAIT_POLICY=passive OMP_NUM_THREADS=" + std::to_string(threads) + " '" +
            program + "' --gtest_filter=Determinism.WriteDigest > /dev/null 2>&1";
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
        int used = 0;
        std::string digest;
        std::ifstream(file) >> used >> digest;
        EXPECT_EQ(used, threads);
        EXPECT_EQ(digest, here) << threads << " threads";
    }
    std::filesystem::remove(file);
}

TEST(Determinism, WriteDigest) { write_digest(); }
TEST(Determinism, SameBytesForAnyNumberOfThreads) { same_bytes_for_any_number_of_threads(); }

}  // namespace
}  // namespace alignsweep::model
