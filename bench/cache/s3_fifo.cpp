// S3-FIFO (Yang et al., SOSP 2023) as its authors give it: a small queue of a tenth, entries that were asked for more
// than once go on into the main queue, ghosts for as much as the main queue holds.
#include "key_list.hpp"
#include "policy.hpp"

#include <algorithm>

namespace hit_ratios {

namespace {

class s3_fifo final : public policy
{
public:
    s3_fifo(const trace& of, std::size_t bytes)
        : bytes_(bytes), sizes_(sizes_of(of.value_bytes)), where_(sizes_.size(), place::nowhere), uses_(sizes_.size())
    {}

    bool ask(std::uint32_t key) override
    {
        if (where_[key] == place::small || where_[key] == place::main) {
            uses_[key] = std::min(uses_[key] + 1, 3);
            return true;
        }
        const bool again = where_[key] == place::ghost;
        if (again) leave(key);
        while (small_.bytes() + main_.bytes() + sizes_[key] > bytes_) evict();
        enter(again ? main_ : small_, key, again ? place::main : place::small);
        uses_[key] = 0;
        return false;
    }
    void forget(std::uint32_t key) override { leave(key); }

private:
    enum class place : std::uint8_t
    {
        nowhere,
        small,
        main,
        ghost,
    };
    void enter(sized_list& list, std::uint32_t key, place which)
    {
        list.push_front(key);
        where_[key] = which;
    }
    void leave(std::uint32_t key)
    {
        if (where_[key] == place::small)
            small_.remove(key);
        else if (where_[key] == place::main)
            main_.remove(key);
        else if (where_[key] == place::ghost)
            ghosts_.remove(key);
        where_[key] = place::nowhere;
    }
    void evict()
    {
        if (!small_.empty() && (small_.bytes() >= bytes_ / 10 || main_.empty())) return evict_small();
        const std::uint32_t last = main_.back();
        leave(last);
        if (uses_[last] > 0) {
            --uses_[last];
            enter(main_, last, place::main);
        }
    }
    void evict_small()
    {
        const std::uint32_t last = small_.back();
        leave(last);
        if (uses_[last] > 1) {
            uses_[last] = 0;
            return enter(main_, last, place::main);
        }
        enter(ghosts_, last, place::ghost);
        while (ghosts_.bytes() > bytes_ * 9 / 10) where_[ghosts_.pop_back()] = place::nowhere;
    }

    std::size_t bytes_;
    std::vector<std::uint32_t> sizes_;
    std::vector<place> where_;
    std::vector<int> uses_;
    sized_list small_{sizes_}, main_{sizes_}, ghosts_{sizes_};
};

} // namespace

std::unique_ptr<policy> make_s3_fifo(const trace& of, std::size_t bytes)
{
    return std::make_unique<s3_fifo>(of, bytes);
}

} // namespace hit_ratios
