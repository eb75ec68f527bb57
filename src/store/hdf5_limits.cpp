// SPDX-License-Identifier: Apache-2.0
#include "store/hdf5_limits.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>

namespace alignsweep::store {

namespace {

// Whether a filter may have made the data smaller; checksums and shuffling do not.
bool is_packed(Handle const& layout) {
    for (int i = 0; i < H5Pget_nfilters(layout.get()); ++i) {
        unsigned flags = 0, configuration = 0;
        std::size_t values = 0;
        H5Z_filter_t const filter = H5Pget_filter2(layout.get(), static_cast<unsigned>(i), &flags, &values, nullptr, 0,
                                                   nullptr, &configuration);
        if (filter != H5Z_FILTER_FLETCHER32 && filter != H5Z_FILTER_SHUFFLE) { return true; }
    }
    return false;
}

}  // namespace

std::string size_defect(Handle const& dataset, std::filesystem::path const& file) {
    constexpr double best_deflate = 1100.0;  // no text is packed tighter
    constexpr double largest_chunk = 1 << 26;
    // In doubles: the product of claimed extents overflows every integer.
    Handle const type(H5Dget_type(dataset.get()), H5Tclose);
    Handle const space(H5Dget_space(dataset.get()), H5Sclose);
    std::array<hsize_t, H5S_MAX_RANK> extent{};
    double claimed = static_cast<double>(H5Tget_size(type.get())), chunk = claimed;
    int const rank = H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr);
    for (int i = 0; i < rank; ++i) { claimed *= static_cast<double>(extent[static_cast<std::size_t>(i)]); }
    Handle const layout(H5Dget_create_plist(dataset.get()), H5Pclose);
    // Values that lie elsewhere are not what the file's digest stands for, and may be missing without a word.
    if (H5Pget_layout(layout.get()) == H5D_VIRTUAL || H5Pget_external_count(layout.get()) > 0) {
        return "its values lie in other files, which is not allowed";
    }
    bool const chunked = H5Pget_layout(layout.get()) == H5D_CHUNKED;
    int const chunk_rank = chunked ? H5Pget_chunk(layout.get(), H5S_MAX_RANK, extent.data()) : 0;
    for (int i = 0; i < chunk_rank; ++i) { chunk *= static_cast<double>(extent[static_cast<std::size_t>(i)]); }
    std::error_code error;
    auto const size = std::filesystem::file_size(file, error);
    // A contiguous one may claim storage beyond the end of the file.
    double const stored =
        std::min(static_cast<double>(H5Dget_storage_size(dataset.get())), error ? 0.0 : static_cast<double>(size));
    // What was never written would be read as zeros.
    double const most = stored * (is_packed(layout) ? best_deflate : 1.0);
    if (claimed > most) { return core::concat("claims ", claimed, " bytes, of which the file holds ", stored); }
    // A chunk is in memory as a whole, however little of it belongs to the dataset.
    if (chunk > largest_chunk) { return core::concat("its chunks are of ", chunk, " bytes"); }
    return {};
}

}  // namespace alignsweep::store
