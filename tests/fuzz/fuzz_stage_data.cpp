// SPDX-License-Identifier: Apache-2.0
// data.h5 of stages: the first byte says of which stage, the rest is a list of changes to a valid file (hdf5_edit.hpp).
// What is accepted is used as the next stage does.
#include "fuzz/fuzz.hpp"
#include "fuzz/hdf5_edit.hpp"
#include "stages/artifacts.hpp"
#include "support/prefixes.hpp"

#include <array>
#include <iterator>

using namespace alignsweep;

namespace {

std::string bytes_of(std::filesystem::path const& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

stages::FeedbackData feedback() {
    stages::FeedbackData data;
    data.prompts = {{{10, 11}, 0, 1, 2, 0, false}, {{12}, 1, 0, 1, 1, true}};
    data.completions = {{0, {20, 21}, true, 0.5, 3}, {0, {22}, true, -0.5, 1}, {1, {23, 256}, false, 0.0, 0}};
    data.pairs = {{0, 1, 1.0}, {1, 0, 0.25}};
    data.thumbs = {{0, 1, 2}, {1, 0, -1}};
    return data;
}

// The files of five stages, in the order of `load`.
std::array<std::string, 5> valid_files() {
    std::array<std::string, 5> files;
    auto const& folder = fuzz::scratch();
    std::vector<data::Example> const examples{{{97, 98}, {99}}, {{98}, {97, 256}}};
    data::Tokenizer const tokenizer({{97, 98}, {257, 99}});
    auto const keep = [&](std::size_t i) { files[i] = bytes_of(folder / "data.h5"); };
    stages::save_corpus(folder, {tokenizer, {97, 257, 256, 98, 258, 256}, {99, 256}, examples});
    keep(0);
    stages::save_feedback(folder, feedback());
    keep(1);
    stages::save_reference(folder, {{-1.0, -2.0, -3.0}, {-4.0, 0.0}});
    keep(2);
    stages::save_answers(folder, {examples, {0.5, -0.5}, {0.25, 0.75}}, tokenizer);
    keep(3);
    stages::PrefixData prefixes{examples, {0, 1}, {0, 1}, {-1, 0}, {1.0, 0.5}};
    prefixes.estimates["value"] = {0.0, 1.0};
    stages::save_prefixes(folder, prefixes);
    keep(4);
    return files;
}

void load(std::size_t which) {
    auto const& folder = fuzz::scratch();
    stages::ReferenceData const reference{{-1.0, -2.0, -3.0}, {-4.0, 0.0}};
    if (which == 0) {
        auto const corpus = stages::load_corpus(folder);
        static_cast<void>(stages::text_examples(corpus.train, 4));
        static_cast<void>(corpus.tokenizer.encode("abc"));
        for (auto const& example : corpus.sft) { static_cast<void>(corpus.tokenizer.decode(example.prompt)); }
    } else if (which == 1) {
        auto const data = stages::load_feedback(folder);
        static_cast<void>(stages::make_pairs(data, {}, true));
        static_cast<void>(stages::make_thumbs(data, {}));
    } else if (which == 2) {
        auto const found = stages::load_reference(folder);
        static_cast<void>(stages::make_pairs(feedback(), found, true));
        static_cast<void>(stages::make_thumbs(feedback(), found));
    } else if (which == 3) {
        auto const answers = stages::load_answers(folder);
        fuzz::require(answers.gold.size() == answers.answers.size(), "answers and gold rewards differ in number");
    } else {
        auto const prefixes = stages::load_prefixes(folder);
        fuzz::require(prefixes.weight.size() == prefixes.size() && prefixes.previous.size() == prefixes.size(),
                      "columns of beginnings differ in length");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static auto const valid = valid_files();
    std::size_t const which = size == 0 ? 0 : data[0] % valid.size();
    std::size_t const used = std::min<std::size_t>(size, 1);
    fuzz::write_edited(fuzz::scratch() / "data.h5", valid[which], {data + used, size - used});
    fuzz::accepts("data.h5", [&] {
        load(which);
        return true;
    });
    return 0;
}
