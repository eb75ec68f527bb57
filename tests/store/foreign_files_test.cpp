// SPDX-License-Identifier: Apache-2.0
// Valid HDF5 files such as this program never writes: what they ask for is checked before it is taken.
#include "store/file.hpp"
#include "store/hdf5_handle.hpp"
#include "store/temporary_folder.hpp"

#include <algorithm>

namespace alignsweep::store {
namespace {

using testing::message_of;
using testing::TemporaryFolder;

Handle open_to_write(std::filesystem::path const& file) {
    return {H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose};
}

// A chunked dataset of float64 with `n` elements, of which the first `values` are written.
void add_column(std::filesystem::path const& file, char const* path, hsize_t n, std::vector<double> const& values,
                bool packed) {
    Handle const out = open_to_write(file);
    Handle const properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    hsize_t const chunk = std::min<hsize_t>(n, 1 << 16), written = values.size(), first = 0;
    H5Pset_chunk(properties.get(), 1, &chunk);
    if (packed) { H5Pset_deflate(properties.get(), 9); }
    Handle const space(H5Screate_simple(1, &n, nullptr), H5Sclose);
    Handle const dataset(
        H5Dcreate2(out.get(), path, H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), H5Dclose);
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &first, nullptr, &written, nullptr);
    Handle const memory(H5Screate_simple(1, &written, nullptr), H5Sclose);
    ASSERT_GE(H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()), 0);
}

std::filesystem::path file_of(TemporaryFolder const& folder) {
    auto const file = folder.path() / "fr\xC3\xA9md e.h5";
    FileWriter writer(file, "alignsweep.data", 1);
    writer.write("/group/below/column", std::vector<double>{1.0});
    writer.publish();
    return file;
}

TEST(ForeignFiles, ADatasetThatIsLargeByItsShapeAloneIsRefused) {
    TemporaryFolder const folder;
    auto const file = file_of(folder);
    add_column(file, "/sparse", hsize_t{1} << 29, {1.0, 2.0}, false);  // 4 GiB
    std::string const message = message_of<core::IoError>([&] { (void)FileReader(file).read<double>("/sparse"); });
    EXPECT_EQ(message.find(file.string() + ": dataset /sparse: claims 4.29497e+09 bytes"), 0U) << message;
}

TEST(ForeignFiles, PackedAndPartlyWrittenDatasetsAreRead) {
    TemporaryFolder const folder;
    auto const file = file_of(folder);
    std::vector<double> const zeros(std::size_t{1} << 20, 0.0);
    add_column(file, "/packed", zeros.size(), zeros, true);
    add_column(file, "/partly", 1000, {1.0}, false);
    FileReader const reader(file);
    EXPECT_EQ(reader.read<double>("/packed"), zeros);
    EXPECT_EQ(reader.read<double>("/partly").size(), 1000U);
}

TEST(ForeignFiles, AGroupThatHoldsItselfEnds) {
    TemporaryFolder const folder;
    auto const file = file_of(folder);
    EXPECT_EQ(FileReader(file).datasets("/"), (std::vector<std::string>{"/group/below/column"}));
    {
        Handle const out = open_to_write(file);
        for (char const* name : {"/group/below/a", "/group/below/b"}) {
            ASSERT_GE(H5Lcreate_hard(out.get(), "/group", out.get(), name, H5P_DEFAULT, H5P_DEFAULT), 0);
        }
    }
    std::string const message = message_of<core::IoError>([&] { (void)FileReader(file).datasets("/"); });
    EXPECT_NE(message.find("groups nest without end"), std::string::npos) << message;
}

// Their values would be zeros or another file's, without a word.
TEST(ForeignFiles, ValuesThatAreNotInTheFileAreRefused) {
    TemporaryFolder const folder;
    auto const file = file_of(folder);
    hsize_t const n = 8;
    {
        Handle const out = open_to_write(file);
        Handle const space(H5Screate_simple(1, &n, nullptr), H5Sclose);
        auto const make = [&](char const* path, Handle const& properties) {
            Handle const dataset(
                H5Dcreate2(out.get(), path, H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                H5Dclose);
            ASSERT_TRUE(dataset) << path;
        };
        make("/never", Handle(H5Pcreate(H5P_DATASET_CREATE), H5Pclose));
        Handle const elsewhere(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
        H5Pset_external(elsewhere.get(), "other.raw", 0, n * sizeof(double));
        make("/external", elsewhere);
        Handle const mapped(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
        H5Pset_virtual(mapped.get(), space.get(), "gone.h5", "x", space.get());
        make("/virtual", mapped);
        ASSERT_GE(H5Lcreate_external("gone.h5", "/x", out.get(), "/linked", H5P_DEFAULT, H5P_DEFAULT), 0);
    }
    FileReader const reader(file);
    auto const refusal = [&](char const* path) {
        return message_of<core::IoError>([&] { (void)reader.read<double>(path); });
    };
    EXPECT_NE(refusal("/never").find("claims 64 bytes, of which the file holds 0"), std::string::npos);
    EXPECT_NE(refusal("/external").find("lie in other files"), std::string::npos);
    EXPECT_NE(refusal("/virtual").find("lie in other files"), std::string::npos);
    EXPECT_NE(refusal("/linked").find("a link into another file"), std::string::npos);
    EXPECT_THROW((void)reader.datasets("/"), core::IoError);
}

}  // namespace
}  // namespace alignsweep::store
