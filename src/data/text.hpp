// SPDX-License-Identifier: Apache-2.0
// Files of text, plain or compressed: in pieces or whole, and the documents in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gzFile_s;

namespace alignsweep::data {

// A file that is unpacked to more than 256 MiB and to more than 100 times its own size is not text but an attack: text
// is packed to a tenth of its size, hardly ever to a fiftieth.
inline constexpr std::uint64_t unpacked_freely = std::uint64_t{256} << 20;
inline constexpr std::uint64_t unpacked_times = 100;
// The longest text that is read whole.
inline constexpr std::uint64_t longest_text = std::uint64_t{4} << 30;

// The bytes of a file in pieces; a gzip file (known by its first two bytes, whatever its name) is unpacked. Everything
// throws IoError ("FILE: what is wrong"): where the file is missing, no regular file or unreadable, where its gzip data
// are damaged, end too soon or unpack beyond the limits above.
class TextStream {
public:
    explicit TextStream(std::filesystem::path const& file);
    // Writes up to `size` bytes to `into` and returns how many: 0 at the end alone.
    [[nodiscard]] std::size_t read(char* into, std::size_t size);
    [[nodiscard]] std::uint64_t file_size() const { return file_size_; }

private:
    struct Close {
        void operator()(gzFile_s* handle) const;
    };
    template <class... What>
    [[noreturn]] void fail(What const&... what) const;

    std::string file_;
    std::uint64_t file_size_ = 0;
    std::uint64_t given_ = 0;
    std::unique_ptr<gzFile_s, Close> handle_;
};

// All bytes of a file. Throws IoError as TextStream does, and where the file is empty or longer than longest_text.
[[nodiscard]] std::string read_text(std::filesystem::path const& file);

// The documents of a text: what stands between blank lines (empty, or a carriage return alone). A document keeps its
// inner bytes, without the line ends around it; there are no empty ones.
[[nodiscard]] std::vector<std::string> split_documents(std::string_view text);

}  // namespace alignsweep::data
