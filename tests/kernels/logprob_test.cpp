// SPDX-License-Identifier: Apache-2.0
#include "kernels/logprob.hpp"
#include "support/device.hpp"

#include <algorithm>

namespace alignsweep::kernels {
namespace {

using test::Exec;
using Numbers = std::vector<double>;

struct Batch {
    std::size_t vocabulary;
    test::Ints targets;
    double temperature;

    [[nodiscard]] std::size_t rows() const { return targets.size(); }
};

struct Result {
    Numbers logprob, entropy, log_normaliser;
};

template <class Scalar>
Result forward(Batch const& batch, Numbers const& logits) {
    test::Vector<Scalar> const logprob("logprob", batch.rows()), entropy("entropy", batch.rows()),
        log_normaliser("log_normaliser", batch.rows());
    logprob_forward<Exec, Scalar>(Exec(), test::to_matrix<Scalar>(logits, batch.rows(), batch.vocabulary),
                                  test::to_indices(batch.targets), batch.temperature, logprob, entropy, log_normaliser);
    return {test::to_doubles<Scalar>(logprob), test::to_doubles<Scalar>(entropy),
            test::to_doubles<Scalar>(log_normaliser)};
}

Result naive(Batch const& batch, Numbers const& logits) {
    Result result;
    for (std::size_t n = 0; n < batch.rows(); ++n) {
        auto const first = logits.begin() + static_cast<std::ptrdiff_t>(n * batch.vocabulary);
        Numbers z(first, first + static_cast<std::ptrdiff_t>(batch.vocabulary));
        double const largest = *std::max_element(z.begin(), z.end());
        for (double& value : z) { value = (value - largest) / batch.temperature; }
        double sum = 0.0, entropy = 0.0;
        for (double const value : z) { sum += std::exp(value); }
        double const normaliser = std::log(sum);
        for (double const value : z) { entropy -= std::exp(value - normaliser) * (value - normaliser); }
        result.logprob.push_back(z[static_cast<std::size_t>(batch.targets[n])] - normaliser);
        result.entropy.push_back(entropy);
        result.log_normaliser.push_back(largest / batch.temperature + normaliser);
    }
    return result;
}

template <class Scalar>
void forward_is_a_log_softmax() {
    for (Batch const& batch : {Batch{1, {0, 0}, 1.0}, Batch{2, {1, 0, 1}, 0.3}, Batch{17, {16, 0, 5}, 2.0},
                               Batch{515, {514, 0, 100}, 0.7}, Batch{8, {}, 1.0}}) {
        auto const logits = test::normal_values(batch.rows() * batch.vocabulary, "logits", 3.0);
        auto const got = forward<Scalar>(batch, logits), want = naive(batch, logits);
        auto const tolerance = test::rounding<Scalar>(64);
        EXPECT_TRUE(test::allclose(got.logprob, want.logprob, tolerance)) << batch.vocabulary;
        EXPECT_TRUE(test::allclose(got.entropy, want.entropy, tolerance)) << batch.vocabulary;
        EXPECT_TRUE(test::allclose(got.log_normaliser, want.log_normaliser, tolerance)) << batch.vocabulary;
    }
}

// Logits of ten thousand, a common offset, and one token that has all of the mass: no overflow, no lost digits.
template <class Scalar>
void huge_logits_stay_exact() {
    Batch const batch{4, {0, 3, 1}, 0.5};
    Numbers const logits{10000.0,  10001.0,  9999.0, 9000.0, -10000.0, -10000.0,
                         -10000.0, -10000.0, 0.0,    88.0,   -1e4,     1.0};
    auto const got = forward<Scalar>(batch, logits), want = naive(batch, logits);
    auto const tolerance = test::rounding<Scalar>();
    EXPECT_TRUE(test::allclose(got.logprob, want.logprob, tolerance));
    EXPECT_TRUE(test::allclose(got.entropy, want.entropy, tolerance));
    EXPECT_NEAR(got.entropy[1], std::log(4.0), tolerance.absolute);
}

void gradient_agrees_with_finite_differences() {
    for (Batch const& batch : {Batch{5, {4, 0, 2}, 1.0}, Batch{19, {18, 3}, 0.6}, Batch{3, {1, 1, 0, 2}, 2.5}}) {
        auto const logits = test::normal_values(batch.rows() * batch.vocabulary, "logits", 1.5);
        auto const dlogprob = test::normal_values(batch.rows(), "dlogprob");
        auto const dentropy = test::normal_values(batch.rows(), "dentropy");
        auto const result = forward<double>(batch, logits);
        auto const gradient = test::to_matrix<double>(logits, batch.rows(), batch.vocabulary);
        logprob_backward<Exec, double>(Exec(), test::to_indices(batch.targets), batch.temperature,
                                       test::to_vector<double>(result.entropy),
                                       test::to_vector<double>(result.log_normaliser),
                                       test::to_vector<double>(dlogprob), test::to_vector<double>(dentropy), gradient);
        auto const want = test::numerical_gradient(logits, [&](Numbers const& at) {
            auto const there = forward<double>(batch, at);
            return test::dot(there.logprob, dlogprob) + test::dot(there.entropy, dentropy);
        });
        EXPECT_LE(test::norm_error(test::to_array<double>(gradient).values, want), test::gradient_tolerance);
    }
}

ALIGNSWEEP_TEST_SCALARS(Logprob, ForwardIsALogSoftmax, forward_is_a_log_softmax)
ALIGNSWEEP_TEST_SCALARS(Logprob, HugeLogitsStayExact, huge_logits_stay_exact)
TEST(Logprob, GradientAgreesWithFiniteDifferences) { gradient_agrees_with_finite_differences(); }

}  // namespace
}  // namespace alignsweep::kernels
