#include <sluice/core/pool.hpp>

namespace sluice {

namespace {

// Ends with its thread. What is freed later still, by other thread-local destructors, finds no room and leaves at once.
struct pool_cleanup
{
    pool_cleanup() noexcept
    {
        for (unsigned index = 0; index < detail::pool_classes; ++index)
            detail::pool_lists[index].room = pool_kept_bytes_max / detail::pool_class_bytes(index);
    }
    ~pool_cleanup()
    {
        for (unsigned index = 0; index < detail::pool_classes; ++index) {
            detail::pool_list& list = detail::pool_lists[index];
            while (list.head != nullptr) {
                detail::pool_block* block = list.head;
                list.head = block->next;
                ::operator delete(block, detail::pool_class_bytes(index));
            }
            list.room = 0;
        }
    }
    pool_cleanup(const pool_cleanup&) = delete;
    pool_cleanup& operator=(const pool_cleanup&) = delete;
};

SLUICE_THREAD_LOCAL thread_local bool cleanup_armed = false;

} // namespace

void detail::pool_deallocate_without_room(void* block, unsigned index) noexcept
{
    if (!cleanup_armed) {
        cleanup_armed = true;
        static thread_local pool_cleanup cleanup;
        return pool_deallocate(block, pool_class_bytes(index));
    }
    ::operator delete(block, pool_class_bytes(index));
}

} // namespace sluice
