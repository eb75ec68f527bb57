// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace alignsweep::data {

std::vector<std::int64_t> epoch_order(std::int64_t n, core::RandomStream stream, std::uint32_t epoch) {
    // A stream has 2^32 positions in each row.
    core::check(n >= 0 && n <= std::numeric_limits<std::uint32_t>::max(), "order of ", n, " examples");
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    core::Draws(stream, epoch).shuffle(order);
    return order;
}

BatchOrder::BatchOrder(std::int64_t n, std::int64_t batch, std::int64_t epochs, core::RandomStream stream)
    : n_(n), batch_(batch), epochs_(epochs), stream_(stream) {
    core::check(n >= 0 && batch >= 1 && epochs >= 0, "batches of ", batch, " from ", n, " examples, ", epochs,
                " epochs");
}

std::vector<std::int64_t> BatchOrder::indices(std::int64_t step) const {
    core::check(step >= 0 && step < steps(), "step ", step, " of ", steps());
    std::int64_t const epoch = step / steps_per_epoch();
    if (epoch != cached_epoch_) {
        order_ = epoch_order(n_, stream_, static_cast<std::uint32_t>(epoch));
        cached_epoch_ = epoch;
    }
    std::int64_t const begin = step % steps_per_epoch() * batch_;
    std::int64_t const end = std::min(begin + batch_, n_);
    return {order_.begin() + begin, order_.begin() + end};
}

}  // namespace alignsweep::data
