// SPDX-License-Identifier: Apache-2.0
// metrics.h5: the input is a list of changes to a valid file (hdf5_edit.hpp). What is accepted is trimmed, continued
// and published, as a resume does.
#include "fuzz/fuzz.hpp"
#include "fuzz/hdf5_edit.hpp"
#include "store/metrics.hpp"

#include <iterator>

using namespace alignsweep;

namespace {

std::string valid_file() {
    store::MetricStream stream;
    stream.append(1, {{"train/loss", 2.5}, {"train/grad_norm", 1.0}});
    stream.append(2, {{"train/loss", 2.25}});
    stream.append(4, {{"train/loss", 2.0}, {"eval/gold_reward", 0.5}});
    auto const file = fuzz::scratch() / "valid.h5";
    stream.publish(file);
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static std::string const valid = valid_file();
    auto const file = fuzz::scratch() / "metrics.h5";
    fuzz::write_edited(file, valid, {data, size});
    fuzz::accepts("metrics.h5", [&] {
        auto stream = store::MetricStream::load(file);
        for (auto const& name : stream.names()) {
            fuzz::require(stream.column(name).size() == stream.steps().size(), "a column of another length");
        }
        stream.trim(2);
        stream.append(3, {{"train/loss", 1.0}});
        stream.publish(fuzz::scratch() / "continued-metrics.h5");
        return true;
    });
    return 0;
}
