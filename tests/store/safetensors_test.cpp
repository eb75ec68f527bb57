// SPDX-License-Identifier: Apache-2.0
#include "store/safetensors.hpp"

#include "store/temporary_folder.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace alignsweep::store {
namespace {

using testing::message_of;
using testing::overwrite;
using testing::TemporaryFolder;

std::string length_of(std::uint64_t bytes) {
    std::string text(sizeof(bytes), '\0');
    std::memcpy(text.data(), &bytes, sizeof(bytes));
    return text;
}
std::string file_of(std::string const& header, std::string const& data) {
    return length_of(header.size()) + header + data;
}
template <class T>
std::string bytes_of(std::vector<T> const& values) {
    std::string text(values.size() * sizeof(T), '\0');
    std::memcpy(text.data(), values.data(), text.size());
    return text;
}
std::string entry(std::string const& name, std::string const& type, std::string const& shape, int begin, int end) {
    return core::concat("\"", name, "\": {\"dtype\": \"", type, "\", \"shape\": ", shape, ", \"data_offsets\": [",
                        begin, ", ", end, "]}");
}

std::string object(std::string const& members) { return core::concat("{", members, "}"); }

class Safetensors : public ::testing::Test {
protected:
    TemporaryFolder folder;
    std::filesystem::path const file = folder / "model.safetensors";

    SafetensorsFile open(std::string const& header, std::string const& data) {
        overwrite(file, file_of(header, data));
        return SafetensorsFile(file);
    }
    void expect_error(std::string const& bytes, std::string const& part) {
        overwrite(file, bytes);
        auto const message = message_of<core::IoError>([&] { const SafetensorsFile read(file); });
        EXPECT_CONTAINS(message, part);
        EXPECT_EQ(message.rfind(file.string() + ":", 0), 0U) << message;
    }
};

TEST_F(Safetensors, FourTypes) {
    std::string const header = "{\"__metadata__\": {\"format\": \"pt\"}, " + entry("d", "F64", "[1, 2]", 0, 16) + ", " +
                               entry("f", "F32", "[2]", 16, 24) + ", " + entry("h", "F16", "[7]", 24, 38) + ", " +
                               entry("b", "BF16", "[3]", 38, 44) + ", " + entry("none", "F32", "[0, 4]", 44, 44) + "}";
    std::vector<std::uint16_t> const halves{0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x7E00, 0x8000};
    auto const tensors = open(header, bytes_of<double>({1.0, 1.0 / 3.0}) + bytes_of<float>({-2.5F, 1e-40F}) +
                                          bytes_of(halves) + bytes_of<std::uint16_t>({0x3F80, 0xC049, 0x0080}));
    EXPECT_EQ(tensors.tensors().size(), 5U);
    EXPECT_EQ(tensors.tensors().at("d").dims, (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(tensors.read<double>("d"), (std::vector<double>{1.0, 1.0 / 3.0}));
    EXPECT_EQ(tensors.read<float>("d")[1], static_cast<float>(1.0 / 3.0));
    EXPECT_EQ(tensors.read<double>("f"), (std::vector<double>{-2.5, static_cast<double>(1e-40F)}));
    auto const half = tensors.read<double>("h");
    EXPECT_EQ(std::vector(half.begin(), half.begin() + 5),
              (std::vector<double>{1.0, -2.0, std::ldexp(1.0, -24), 65504.0, std::numeric_limits<double>::infinity()}));
    EXPECT_TRUE(std::isnan(half[5]) && half[6] == 0.0 && std::signbit(half[6]));
    EXPECT_EQ(tensors.read<double>("b"), (std::vector<double>{1.0, -3.140625, std::ldexp(1.0, -126)}));
    EXPECT_TRUE(tensors.read<float>("none").empty());
}

TEST_F(Safetensors, MoreThanOneBlock) {
    std::vector<float> values(300'000);
    for (std::size_t i = 0; i < values.size(); ++i) { values[i] = static_cast<float>(i); }
    auto const size = static_cast<int>(4 * values.size());
    EXPECT_EQ(open(object(entry("x", "F32", "[300000]", 0, size)), bytes_of(values)).read<float>("x"), values);
}

TEST_F(Safetensors, OtherTypesAreReadByNobody) {
    auto const tensors = open(object(entry("i", "I64", "[1]", 0, 8)), std::string(8, '\0'));
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)tensors.read<float>("i"); }), "I64");
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)tensors.read<float>("x"); }), "missing");
}

TEST_F(Safetensors, DamagedHeaders) {
    expect_error("", "0 bytes");
    expect_error("1234567", "7 bytes");
    expect_error(length_of(1000) + "{}", "1000 bytes");
    expect_error(length_of(std::uint64_t(-1)) + "{}", "header");
    expect_error(length_of(std::uint64_t{1} << 40) + "{}", "header");
    expect_error(file_of("{\"x\": ", ""), "JSON");
    expect_error(file_of("[]", ""), "array");
    expect_error(file_of("{\"x\":" + std::string(75'000, '['), ""), "nest deeper");
    expect_error(file_of(R"({"__metadata__": {"x": 1e400}})", ""), "field '__metadata__.x'");
    expect_error("\x89HDF\r\n\x1a\n and so on", "header");
}

TEST_F(Safetensors, DamagedTensors) {
    std::string const four(4, '\0'), eight(8, '\0');
    auto const one = [&](std::string const& text, std::string const& data) { return file_of(object(text), data); };
    expect_error(one("\"x\": 3", four), "tensor x");
    expect_error(one(R"("x": {"dtype": "F32", "shape": [1]})", four), "data_offsets");
    expect_error(one(entry("x", "F31", "[1]", 0, 4), four), "F31");
    expect_error(one(entry("x", "F32", "[-1]", 0, 4), four), "shape");
    expect_error(one(entry("x", "F32", "[1.5]", 0, 4), four), "shape");
    expect_error(one(entry("x", "F32", "4", 0, 4), four), "shape");
    expect_error(one(entry("x", "F32", "[2]", 0, 4), four), "do not make the 4 bytes");
    expect_error(one(entry("x", "F32", "[1099511627776, 1099511627776]", 0, 4), four), "do not make");
    expect_error(one(entry("x", "F32", "[1099511627776, 1099511627776, 0]", 0, 4), four), "do not make");
    expect_error(one(entry("x", "F32", "[1]", 0, 8), four), "outside the 4 bytes");
    expect_error(one(entry("x", "F32", "[1]", 4, 0), four), "outside");
    expect_error(one(entry("x", "F32", "[1]", -4, 0), four), "data_offsets");
    expect_error(one(entry("x", "F32", "[1]", 0, 4) + "," + entry("x", "F32", "[1]", 4, 8), eight), "twice");
    expect_error(one(entry("x", "F32", "[1]", 0, 4) + "," + entry("y", "F16", "[2]", 2, 6), eight), "overlap");
    expect_error(one(entry("x", "F32", "[1]", 4, 8), eight), "hole");
    expect_error(one(entry("x", "F32", "[1]", 0, 4), eight), "4 bytes at the end");
}

TEST_F(Safetensors, FilesThatAreNotThere) {
    auto const error = [](std::filesystem::path const& path) {
        return message_of<core::IoError>([&] { SafetensorsFile const read(path); });
    };
    EXPECT_CONTAINS(error(folder / "none"), "no such file");
    EXPECT_CONTAINS(error(folder.path()), "not a regular file");
}

TEST_F(Safetensors, CutWhileItIsRead) {
    auto const tensors = open(object(entry("x", "F32", "[2]", 0, 8)), std::string(8, '\0'));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    EXPECT_CONTAINS(message_of<core::IoError>([&] { (void)tensors.read<float>("x"); }), "to its end");
}

TEST_F(Safetensors, Shards) {
    std::string const four(4, '\0');
    overwrite(folder / "a.safetensors", file_of(object(entry("x", "F32", "[1]", 0, 4)), four));
    overwrite(folder / "b.safetensors", file_of(object(entry("y", "F32", "[1]", 0, 4)), four));
    auto const index = [&](std::string const& map) {
        overwrite(folder / "model.safetensors.index.json", core::concat("{\"weight_map\": ", map, "}"));
        return SafetensorsFolder(folder.path()).files();
    };
    auto const files = index(R"({"x": "a.safetensors", "y": "b.safetensors"})");
    EXPECT_EQ(files.at("x")->path(), folder / "a.safetensors");
    EXPECT_EQ(files.at("y")->path(), folder / "b.safetensors");
    auto const error = [&](std::string const& map) { return message_of<core::IoError>([&] { (void)index(map); }); };
    EXPECT_CONTAINS(error(R"({"x": "b.safetensors"})"), "tensor x: is missing");
    EXPECT_CONTAINS(error(R"({"x": "../a.safetensors"})"), "beside it");
    EXPECT_CONTAINS(error(R"({"x": "c.safetensors"})"), "no such file");
    EXPECT_CONTAINS(error("3"), "weight_map");
}

}  // namespace
}  // namespace alignsweep::store
