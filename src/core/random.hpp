// SPDX-License-Identifier: Apache-2.0
// Counter-based randomness: every number is a pure function of (stream, step, row, position), so the order of
// execution, the number of threads and a restart can't change it.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox4x32-10, by Random123).
#pragma once

#include "core/math.hpp"

#include <Random123/philox.h>

#include <cstdint>
#include <string_view>

namespace alignsweep::core {

// One named stream of a seed. Trivially copyable: kernels capture it by value.
class RandomStream {
public:
    // `seed`: the value of one of the seeds (seed.world, seed.train, ...); `purpose`: what it is drawn for, for
    // example "pretrain/order". Never a stage's key: trials that differ elsewhere must see the same numbers.
    RandomStream(std::uint64_t seed, std::string_view purpose);

    // Four 32-bit words for one counter.
    ALIGNSWEEP_FUNCTION r123::Philox4x32::ctr_type bits(std::uint32_t step, std::uint32_t row, std::uint32_t position,
                                                        std::uint32_t draw = 0) const {
        r123::Philox4x32::ctr_type counter = {{step, row, position, draw}};
        r123::Philox4x32::key_type key = {{low_, high_}};
        return r123::Philox4x32()(counter, key);
    }

    // Uniform in the open interval (0, 1), on the grid of odd multiples of 2^-53.
    ALIGNSWEEP_FUNCTION double uniform(std::uint32_t step, std::uint32_t row, std::uint32_t position,
                                       std::uint32_t draw = 0) const {
        auto const word = bits(step, row, position, draw);
        std::uint64_t const top = (static_cast<std::uint64_t>(word[0]) << 32 | word[1]) >> 12;
        return (static_cast<double>(top) + 0.5) * 0x1.0p-52;
    }

private:
    std::uint32_t low_;
    std::uint32_t high_;
};

// A cursor over one (step, row) of a stream, for host code that draws as many numbers as it happens to need.
class Draws {
public:
    Draws(RandomStream stream, std::uint32_t step, std::uint32_t row = 0) : stream_(stream), step_(step), row_(row) {}

    // Uniform in (0, 1).
    double uniform() { return stream_.uniform(step_, row_, position_++); }
    // True with the given probability.
    bool chance(double probability) { return uniform() < probability; }
    // Uniform in 0 .. n-1; n >= 1.
    std::size_t index(std::size_t n) {
        auto const i = static_cast<std::size_t>(uniform() * static_cast<double>(n));
        return i < n ? i : n - 1;
    }
    // Standard normal (core/math.hpp).
    double normal() {
        double const u = uniform();
        return math::normal(u, uniform());
    }
    // Fisher-Yates.
    template <class Container>
    void shuffle(Container& items) {
        for (std::size_t i = items.size(); i > 1; --i) { std::swap(items[i - 1], items[index(i)]); }
    }

private:
    RandomStream stream_;
    std::uint32_t step_;
    std::uint32_t row_;
    std::uint32_t position_ = 0;
};

}  // namespace alignsweep::core
