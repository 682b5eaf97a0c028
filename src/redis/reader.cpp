#include "redis/reader.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>
#include <hiredis/read.h>
#include <new>
#include <utility>

namespace sluice::redis {

namespace {

constexpr std::size_t kept_bytes_max = std::size_t{256} << 10; // of the buffer, once it is empty

} // namespace

// What hiredis calls while it reads. An object is a reply in its place: the whole one, or an element of its parent.
struct reader::callbacks
{
    static reply* place(const redisReadTask* task)
    {
        reader& self = *static_cast<reader*>(task->privdata);
        if (task->parent == nullptr) {
            self.whole_ = reply();
            return &self.whole_;
        }
        // Only the last element of each array is still being read, so none that moves here is known to hiredis.
        return &static_cast<reply*>(task->parent->obj)->elements.emplace_back();
    }

    static void* text(const redisReadTask* task, char* bytes, std::size_t size) noexcept
    {
        reply* made = place(task);
        made->is = task->type == REDIS_REPLY_ERROR    ? reply::kind::failure
                   : task->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                      : reply::kind::text;
        made->text.assign(bytes, size);
        return made;
    }
    // Later versions of hiredis count in another type.
    template <class Count> static void* array(const redisReadTask* task, Count) noexcept
    {
        reply* made = place(task);
        made->is = reply::kind::array;
        return made;
    }
    static void* integer(const redisReadTask* task, long long value) noexcept
    {
        reply* made = place(task);
        made->is = reply::kind::integer;
        made->integer = value;
        return made;
    }
    static void* nil(const redisReadTask* task) noexcept { return place(task); }
    static void free(void*) noexcept {} // the reader's own

    static redisReplyObjectFunctions all;
};

redisReplyObjectFunctions reader::callbacks::all = {
    .createString = text, .createArray = array, .createInteger = integer, .createNil = nil, .freeObject = free};

void reader::closer::operator()(redisReader* r) const noexcept { redisReaderFree(r); }

reader::reader(std::size_t reply_bytes_max) : reply_bytes_max_(reply_bytes_max) { reset(); }
reader::~reader() = default;

void reader::reset()
{
    hiredis_.reset(redisReaderCreateWithFunctions(&callbacks::all));
    if (hiredis_ == nullptr) throw std::bad_alloc();
    hiredis_->privdata = this;
    hiredis_->maxbuf = kept_bytes_max;
    waiting_ = {};
    whole_ = reply();
    partial_ = 0;
    failed_ = false;
}

std::size_t reader::unread() const noexcept { return hiredis_->len - hiredis_->pos; }

void reader::feed(std::string_view bytes)
{
    SLUICE_ASSERT(waiting_.empty());
    waiting_ = bytes;
}

reader::state reader::next()
{
    while (!failed_) {
        void* made = nullptr;
        if (redisReaderGetReply(hiredis_.get(), &made) != REDIS_OK) break;
        if (made != nullptr) {
            partial_ = unread(); // what is left belongs to those behind it
            return state::reply;
        }
        if (waiting_.empty()) return state::none;
        const std::size_t most = std::min(waiting_.size(), reply_bytes_max_ - std::min(partial_, reply_bytes_max_));
        if (most == 0) {
            failed_ = true;
            waiting_ = {};
            return state::too_large;
        }
        if (redisReaderFeed(hiredis_.get(), waiting_.data(), most) != REDIS_OK) break;
        partial_ += most;
        waiting_.remove_prefix(most);
    }
    failed_ = true;
    waiting_ = {};
    return state::malformed;
}

} // namespace sluice::redis
