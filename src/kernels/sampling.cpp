// SPDX-License-Identifier: Apache-2.0
#include "kernels/sampling.hpp"

#include "core/math.hpp"
#include "kernels/row.hpp"

namespace alignsweep::kernels {

namespace {

// The scores of one row, (logit - largest) / T <= 0, and sums over those above a threshold.
template <class RowType, class Scalar>
struct Scores {
    RowType const& row;
    Scalar const* logits;
    int vocabulary;
    Scalar inverse_temperature, largest;

    KOKKOS_INLINE_FUNCTION Scalar operator()(int v) const { return (logits[v] - largest) * inverse_temperature; }

    // Number of tokens, or their mass relative to the most probable one, with score >= threshold.
    KOKKOS_INLINE_FUNCTION Scalar above(Scalar threshold, bool by_mass) const {
        return by_mass ? mass_above(threshold) : row.template sum<Scalar>(vocabulary, [&](int v) {
            return (*this)(v) >= threshold ? Scalar(1) : Scalar(0);
        });
    }
    KOKKOS_INLINE_FUNCTION Scalar mass_above(Scalar threshold) const {
        return row.template sum<Scalar>(vocabulary, [&](int v) {
            Scalar const score = (*this)(v), weight = core::math::exp(score);
            return score >= threshold ? weight : Scalar(0);
        });
    }

    // The highest threshold above which count or mass reaches the goal, by bisection: no sort, no scratch memory.
    KOKKOS_INLINE_FUNCTION Scalar highest_reaching(Scalar goal, bool by_mass) const {
        Scalar low = Scalar(-80), high = Scalar(0);  // exp(-80) is far below any mass that could matter
        for (int round = 0; round < 48; ++round) {
            Scalar const middle = (low + high) / 2;
            (above(middle, by_mass) >= goal ? low : high) = middle;
        }
        return low;
    }
};

}  // namespace

template <class ExecSpace, class Scalar>
void sample_tokens(ExecSpace const& space, SamplingRule const& rule, core::RandomStream const& stream,
                   std::uint32_t step, Arg<Indices<ExecSpace>> row_id, Arg<Indices<ExecSpace>> position,
                   Arg<ConstMatrix<ExecSpace, Scalar>> logits, Vector<ExecSpace, std::int32_t> token,
                   Vector<ExecSpace, Scalar> logprob) {
    assert_views<2, 1, 1, 1, 1>(space, logits, row_id, position, token, logprob);
    int const vocabulary = static_cast<int>(logits.extent(1));
    bool const greedy = rule.temperature == 0.0;
    Scalar const inverse = static_cast<Scalar>(greedy ? 1.0 : 1.0 / rule.temperature);
    Scalar const top_p = static_cast<Scalar>(rule.top_p);
    int const top_k = rule.top_k;
    for_each_row(
        space, "alignsweep::kernels::sample_tokens", static_cast<int>(logits.extent(0)),
        KOKKOS_LAMBDA(Row<ExecSpace> const& row, int n) {
            Scalar const* const z = &logits(n, 0);
            Scalar const largest = row.template max<Scalar>(vocabulary, [&](int v) { return z[v]; });
            Scores<Row<ExecSpace>, Scalar> const scores{row, z, vocabulary, inverse, largest};
            Scalar const lowest = Scalar(-1e30);
            Scalar const sum = scores.mass_above(lowest);
            Scalar threshold = lowest, admitted = sum;
            if (!greedy && top_k > 0) {
                threshold = scores.highest_reaching(Scalar(top_k), false);
                admitted = scores.mass_above(threshold);
            }
            if (!greedy && top_p < Scalar(1)) {
                Scalar const nucleus = scores.highest_reaching(top_p * admitted, true);
                threshold = nucleus > threshold ? nucleus : threshold;
                admitted = scores.mass_above(threshold);
            }
            row.once([&] {
                int chosen = -1;
                if (greedy) {
                    for (int v = 0; v < vocabulary && chosen < 0; ++v) { chosen = z[v] >= largest ? v : -1; }
                } else {
                    auto const u = static_cast<Scalar>(stream.uniform(step, row_id(n), position(n)));
                    Scalar const goal = u * admitted;
                    Scalar passed = 0;
                    // The last admitted token takes what rounding leaves over.
                    for (int first = 0; first < vocabulary && passed < goal; first += sum_lanes) {
                        int const count = Kokkos::min(int{sum_lanes}, vocabulary - first);
                        Scalar mass[sum_lanes];
                        for (int l = 0; l < count; ++l) { mass[l] = core::math::exp(scores(first + l)); }
                        for (int l = 0; l < count && passed < goal; ++l) {
                            if (scores(first + l) >= threshold) {
                                passed += mass[l];
                                chosen = first + l;
                            }
                        }
                    }
                }
                chosen = chosen < 0 ? 0 : chosen;
                token(n) = chosen;
                logprob(n) = scores(chosen) - core::math::log(sum);
            });
        });
}

#define INSTANTIATE(E, S)                                                                                      \
    template void sample_tokens<E, S>(E const&, SamplingRule const&, core::RandomStream const&, std::uint32_t, \
                                      Indices<E>, Indices<E>, ConstMatrix<E, S>, Vector<E, std::int32_t>,      \
                                      Vector<E, S>);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::kernels
