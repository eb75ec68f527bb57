// SPDX-License-Identifier: Apache-2.0
// Claims: taken once, given back, and taken over from the dead by exactly one.
#include "sweep/claim.hpp"

#include "core/error.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

namespace alignsweep::sweep {
namespace {

namespace fs = std::filesystem;

class ClaimTest : public ::testing::Test {
protected:
    ClaimTest() {
        std::string pattern = (fs::temp_directory_path() / "alignsweep-claim-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~ClaimTest() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    [[nodiscard]] fs::path claim() const { return folder_ / "stage.claim"; }
    [[nodiscard]] int entries() const {
        return static_cast<int>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }
    // A child that takes the claim and is killed with it in its hands.
    void leave_a_dead_claim() const {
        pid_t const child = start([this] {
            auto const taken = Claim::take(claim());
            std::ofstream(folder_ / "taken") << (taken ? 1 : 0);
            for (;;) { pause(); }
        });
        wait_for("taken");
        EXPECT_FALSE(Claim::take(claim())) << "a living process holds it";
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        fs::remove(folder_ / "taken");
    }
    static pid_t start(std::function<void()> const& work) {
        pid_t const child = fork();
        if (child == 0) {
            work();
            _exit(0);
        }
        return child;
    }
    void wait_for(char const* name) const {
        for (int i = 0; i < 5000 && (!fs::exists(folder_ / name) || fs::file_size(folder_ / name) == 0); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        ASSERT_TRUE(fs::exists(folder_ / name));
    }

    fs::path folder_;
};

TEST_F(ClaimTest, IsTakenOnceAndGivenBack) {
    {
        auto const first = Claim::take(claim());
        ASSERT_TRUE(first);
        EXPECT_FALSE(Claim::take(claim()));
        first->beat(0.25);
        EXPECT_EQ(Claim::progress(claim()), 0.25);
    }
    EXPECT_EQ(entries(), 0);
    EXPECT_FALSE(Claim::progress(claim()));
    EXPECT_TRUE(Claim::take(claim()));
}

TEST_F(ClaimTest, MovesWithoutBeingGivenBack) {
    std::optional<Claim> kept;
    {
        auto first = Claim::take(claim());
        ASSERT_TRUE(first);
        kept.emplace(std::move(*first));
    }
    EXPECT_FALSE(Claim::take(claim()));
}

TEST_F(ClaimTest, OfADeadProcessIsTakenOver) {
    leave_a_dead_claim();
    // Nobody runs this stage: neither the table nor the scheduler may say so.
    EXPECT_FALSE(Claim::progress(claim()));
    {
        auto const heir = Claim::take(claim());
        ASSERT_TRUE(heir);
        EXPECT_FALSE(Claim::take(claim()));
        EXPECT_TRUE(Claim::progress(claim()));
    }
    EXPECT_EQ(entries(), 0);
}

TEST_F(ClaimTest, OfManyThatTakeADeadClaimOneSucceeds) {
    for (int round = 0; round < 40; ++round) {
        leave_a_dead_claim();
        std::array<int, 2> gate{};
        ASSERT_EQ(pipe(gate.data()), 0);
        std::vector<pid_t> children;
        for (int i = 0; i < 4; ++i) {
            children.push_back(start([this, i, gate] {
                close(gate[1]);
                char byte = 0;
                static_cast<void>(!read(gate[0], &byte, 1));  // until the parent closes it
                auto const taken = Claim::take(claim());
                std::ofstream(folder_ / ("result." + std::to_string(i))) << (taken ? 1 : 0);
                while (!fs::exists(folder_ / "end")) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
            }));
        }
        close(gate[0]);
        close(gate[1]);
        int holders = 0;
        for (int i = 0; i < 4; ++i) {
            std::string const name = "result." + std::to_string(i);
            wait_for(name.c_str());
            int taken = 0;
            std::ifstream(folder_ / name) >> taken;
            holders += taken;
        }
        EXPECT_EQ(holders, 1) << "round " << round;
        std::ofstream(folder_ / "end").put('1');
        for (pid_t const child : children) { waitpid(child, nullptr, 0); }
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
}

// Killed between the two steps of giving a claim back.
TEST_F(ClaimTest, ThatWasHalfGivenBackIsCleared) {
    { auto const other = Claim::take(folder_ / "other.claim"); }
    leave_a_dead_claim();
    fs::rename(claim(), folder_ / "stage.claim.gone.host.7");
    auto const held = Claim::take(claim());
    ASSERT_TRUE(held);
    EXPECT_EQ(entries(), 2);
    Claim::clear(folder_);
    EXPECT_EQ(entries(), 1);
    EXPECT_TRUE(Claim::progress(claim()));
    Claim::clear(folder_ / "missing");
}

// The number of a dead process may be that of a living one by now: in a container it is the next run's own.
TEST_F(ClaimTest, OfAnEarlierProcessWithTheSameNumberIsTakenOver) {
    leave_a_dead_claim();
    fs::path const owner = claim() / "owner.0";
    std::string host;
    long process = 0;
    std::string start;
    std::ifstream(owner) >> host >> process >> start;
    std::ofstream(owner) << host << ' ' << getpid() << ' ' << start << '\n';
    EXPECT_TRUE(Claim::take(claim()));
}

TEST_F(ClaimTest, OfAnotherHostLivesAsLongAsItBeats) {
    fs::create_directory(claim());
    std::ofstream(claim() / "owner.0") << "elsewhere 1 1\n";
    std::ofstream(claim() / "heartbeat") << "0.5\n";
    EXPECT_FALSE(Claim::take(claim()));
    EXPECT_EQ(Claim::progress(claim()), 0.5);
    auto const long_ago = fs::file_time_type::clock::now() - std::chrono::seconds(2 * int(Claim::stale_seconds));
    fs::last_write_time(claim() / "heartbeat", long_ago);
    EXPECT_FALSE(Claim::progress(claim()));
    EXPECT_TRUE(Claim::take(claim()));
}

TEST_F(ClaimTest, WithoutAnOwnerYetIsLeftAlone) {
    fs::create_directory(claim());
    EXPECT_FALSE(Claim::take(claim()));
    fs::last_write_time(claim(), fs::file_time_type::clock::now() - std::chrono::seconds(600));
    EXPECT_TRUE(Claim::take(claim()));
}

TEST_F(ClaimTest, InAFolderThatCannotBeWrittenIsAnError) {
    EXPECT_THROW(static_cast<void>(Claim::take(folder_ / "missing" / "stage.claim")), core::IoError);
}

}  // namespace
}  // namespace alignsweep::sweep
