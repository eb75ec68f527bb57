// SPDX-License-Identifier: Apache-2.0
// Tensors in a safetensors file: 8 bytes little-endian length of the header, the header (JSON: name -> dtype, shape,
// data_offsets), the data. Everything that a damaged or foreign file may get wrong is an IoError of one line, seen
// before any number is read. Format: huggingface/safetensors, README, "Format".
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace alignsweep::store {

class SafetensorsFile {
public:
    enum class Type { f16, bf16, f32, f64, other };
    struct Tensor {
        Type type = Type::other;
        std::string type_name;  // "BF16"
        std::vector<std::int64_t> dims;
        std::int64_t begin = 0, end = 0;  // bytes, from the begin of the file
    };

    // Reads and checks the header: its length, every offset, that the tensors fill the data without overlap or hole.
    explicit SafetensorsFile(std::filesystem::path file);

    [[nodiscard]] std::map<std::string, Tensor> const& tensors() const { return tensors_; }
    [[nodiscard]] std::filesystem::path const& path() const { return path_; }

    // All elements, row-major, as T; every number of the four types is a double exactly, and of all but F64 a float.
    // IoError for another type, and where the file no longer has its bytes.
    template <std::floating_point T>
    [[nodiscard]] std::vector<T> read(std::string const& name) const;

private:
    std::filesystem::path path_;
    std::map<std::string, Tensor> tensors_;
};

// model.safetensors of a folder, or the files that model.safetensors.index.json names.
class SafetensorsFolder {
public:
    explicit SafetensorsFolder(std::filesystem::path const& folder);

    // The file that holds each tensor.
    [[nodiscard]] std::map<std::string, std::shared_ptr<SafetensorsFile const>> const& files() const { return files_; }

private:
    std::map<std::string, std::shared_ptr<SafetensorsFile const>> files_;
};

}  // namespace alignsweep::store
