// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "core/json.hpp"
#include "store/safetensors.hpp"

namespace alignsweep::store {

SafetensorsFolder::SafetensorsFolder(std::filesystem::path const& folder) {
    auto const single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
    if (std::filesystem::exists(single) || !std::filesystem::exists(index)) {
        auto const file = std::make_shared<SafetensorsFile const>(single);
        for (auto const& [name, tensor] : file->tensors()) { files_.emplace(name, file); }
        return;
    }
    auto const json = core::read_json_object(index);
    auto const map = json.find("weight_map");
    if (map == json.end() || !map->is_object()) {
        throw core::IoError(index.string(), ": weight_map is missing; an object of tensor and file is allowed");
    }
    std::map<std::string, std::shared_ptr<SafetensorsFile const>> opened;
    for (auto const& [tensor, value] : map->items()) {
        std::filesystem::path const name = value.is_string() ? value.get<std::string>() : "";
        if (name.empty() || name != name.filename()) {
            throw core::IoError(index.string(), ": tensor ", tensor, ": the name of a file beside it is allowed");
        }
        auto& file = opened[name.string()];
        if (!file) { file = std::make_shared<SafetensorsFile const>(folder / name); }
        if (!file->tensors().contains(tensor)) {
            throw core::IoError(file->path().string(), ": tensor ", tensor, ": is missing, though ",
                                index.filename().string(), " says that it is here");
        }
        files_.emplace(tensor, file);
    }
}

}  // namespace alignsweep::store
