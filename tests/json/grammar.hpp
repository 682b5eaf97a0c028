// RFC 8259 once more, as plainly as it can be written: what the parser accepts is compared with it.
#pragma once

#include <sluice/core/json_escape.hpp>
#include <sluice/json/reader.hpp>

#include <cstddef>
#include <string_view>

namespace sluice::test {

class json_grammar
{
public:
    // Is the whole of `text` one document, no deeper than the reader takes?
    [[nodiscard]] static bool valid(std::string_view text)
    {
        json_grammar self(text);
        self.space();
        return self.value(1) && (self.space(), self.rest_.empty());
    }

private:
    explicit json_grammar(std::string_view text) : rest_(text) {}

    bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
    bool take(char c)
    {
        if (!next_is(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take(std::string_view word)
    {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void space()
    {
        while (take(' ') || take('\t') || take('\r') || take('\n')) {
        }
    }
    std::size_t digits()
    {
        std::size_t count = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) rest_.remove_prefix(1);
        return count;
    }

    bool value(std::size_t depth)
    {
        if (next_is('{')) return depth < json_depth_max && object(depth);
        if (next_is('[')) return depth < json_depth_max && array(depth);
        if (next_is('"')) return string();
        if (take("true") || take("false") || take("null")) return true;
        return number();
    }
    bool object(std::size_t depth)
    {
        take('{');
        space();
        if (take('}')) return true;
        do {
            space();
            if (!string()) return false;
            space();
            if (!take(':')) return false;
            space();
            if (!value(depth + 1)) return false;
            space();
        } while (take(','));
        return take('}');
    }
    bool array(std::size_t depth)
    {
        take('[');
        space();
        if (take(']')) return true;
        do {
            space();
            if (!value(depth + 1)) return false;
            space();
        } while (take(','));
        return take(']');
    }
    bool number()
    {
        take('-');
        if (!take('0') && digits() == 0) return false;
        if (take('.') && digits() == 0) return false;
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            return digits() != 0;
        }
        return true;
    }
    // Four hex digits; -1 if they are not there.
    int unit()
    {
        int code = 0;
        for (int i = 0; i < 4; ++i) {
            if (rest_.empty()) return -1;
            const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(rest_.front());
            if (digit == std::string_view::npos) return -1;
            code = code * 16 + static_cast<int>(digit < 16 ? digit : digit - 6);
            rest_.remove_prefix(1);
        }
        return code;
    }
    bool escape()
    {
        for (const char c : std::string_view("\"\\/bfnrt"))
            if (take(c)) return true;
        if (!take('u')) return false;
        const int high = unit();
        if (high < 0 || (high >= 0xDC00 && high < 0xE000)) return false;
        if (high < 0xD800 || high >= 0xE000) return true;
        if (!take("\\u")) return false;
        const int low = unit();
        return low >= 0xDC00 && low < 0xE000;
    }
    bool string()
    {
        if (!take('"')) return false;
        while (!rest_.empty()) {
            if (take('"')) return true;
            if (take('\\')) {
                if (!escape()) return false;
                continue;
            }
            if (static_cast<unsigned char>(rest_.front()) < 0x20) return false;
            const std::size_t size = utf8_sequence(rest_);
            if (size == 0) return false;
            rest_.remove_prefix(size);
        }
        return false;
    }

    std::string_view rest_;
};

} // namespace sluice::test
