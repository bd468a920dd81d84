#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <unwind.h>

extern "C" int64_t through(int64_t, int64_t);
extern "C" int64_t exits(int64_t);
extern "C" int64_t deep(int64_t);

static int frames_seen;

static _Unwind_Reason_Code count_frame(_Unwind_Context *, void *) {
    frames_seen++;
    return _URC_NO_REASON;
}

extern "C" int64_t many(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h,
                        int64_t i) {
    if (b == 2)
        throw std::runtime_error("from many");
    return a + b + c + d + e + f + g + h + i;
}

extern "C" int64_t callback(int64_t n) {
    if (n == 1)
        throw n + 41;
    frames_seen = 0;
    _Unwind_Backtrace(count_frame, nullptr);
    return n * 2;
}

// The caller's registers must come back: these stay live in saved ones across the throw.
__attribute__((noinline)) static int64_t attempt(int64_t n, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e) {
    int64_t result;
    try {
        result = through(100, n);
    } catch (int64_t caught) {
        result = caught;
    } catch (const std::runtime_error &error) {
        std::puts(error.what());
        result = -1;
    }
    return result + 10 * (a + 2 * b + 3 * c + 4 * d + 5 * e);
}

int main() {
    int depth;
    _Unwind_Backtrace(count_frame, nullptr);
    depth = frames_seen;
    for (int64_t n = 0; n < 4; n++)
        std::printf("%lld\n", (long long)attempt(n, n, n + 1, n + 2, n + 3, n + 4));
    through(1, 0);
    std::printf("%d\n", frames_seen - depth);
    for (int64_t n : {0, 1, 15, 21, 30}) {
        try {
            std::printf("%lld\n", (long long)exits(n));
        } catch (int64_t caught) {
            std::printf("caught %lld\n", (long long)caught);
        }
    }
    for (int64_t n : {0, 1, 2}) {
        try {
            std::printf("%lld\n", (long long)deep(n));
        } catch (int64_t caught) {
            std::printf("caught %lld\n", (long long)caught);
        }
    }
    deep(0);
    std::printf("%d\n", frames_seen - depth);
    return 0;
}
