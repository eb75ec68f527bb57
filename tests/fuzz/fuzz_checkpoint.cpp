// SPDX-License-Identifier: Apache-2.0
// checkpoint.h5: the input is a list of changes to a valid file (hdf5_edit.hpp).
#include "fuzz/fuzz.hpp"
#include "fuzz/hdf5_edit.hpp"
#include "store/checkpoint.hpp"

#include <iterator>

using namespace alignsweep;

namespace {

std::string valid_file() {
    std::vector<float> const narrow{0.5F, -1.5F, 2.0F, 0.0F, 1.0F, -1.0F};
    std::vector<double> const wide{0.25, -0.75};
    store::CheckpointView view;
    view.tensors = {{"model.embed_tokens.weight", {3, 2}, std::span<float const>(narrow)},
                    {"model.norm.weight", {2}, std::span<double const>(wide)}};
    view.optimizer = {{"m", std::span<float const>(narrow)}, {"v", std::span<float const>(narrow)}};
    view.state = {{"step", std::int64_t{7}}, {"kl_coef", 0.1}};
    for (char const* name : {"vocabulary", "width", "depth", "heads", "kv_heads", "hidden", "context", "tied"}) {
        view.attributes[name] = std::int64_t{1};
    }
    view.attributes["rope_theta"] = 10000.0;
    auto const file = fuzz::scratch() / "valid.h5";
    store::save_checkpoint(file, view);
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static std::string const valid = valid_file();
    auto const file = fuzz::scratch() / "checkpoint.h5";
    fuzz::write_edited(file, valid, {data, size});
    fuzz::accepts("checkpoint.h5", [&] {
        auto const checkpoint = store::load_checkpoint(file);
        for (auto const& tensor : checkpoint.tensors) {
            std::size_t elements = 1;
            for (auto const n : tensor.dims) { elements *= static_cast<std::size_t>(n); }
            fuzz::require(std::visit([](auto const& values) { return values.size(); }, tensor.values) == elements,
                          "a tensor's values are not those of its shape");
        }
        return true;
    });
    return 0;
}
