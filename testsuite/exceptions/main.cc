#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <stdexcept>

extern "C" {
int64_t catches(int64_t, double);
int64_t cleans(int64_t);
int64_t catches_or_cleans(int64_t);
int64_t passes(int64_t, int64_t);
void throws(int64_t);
void rethrows(int64_t);
int64_t collects(int64_t (*)(int64_t), int64_t);
int64_t takes_off(int64_t);
int64_t returns_two(int64_t);

void note(int64_t n) {
    std::printf("note %" PRId64 "\n", n);
}

// 1 throws an integer, 2 an error, 3 something else.
int64_t may_throw(int64_t n) {
    switch (n) {
    case 1:
        throw int64_t(41);
    case 2:
        throw std::runtime_error("two");
    case 3:
        throw "three";
    default:
        return 10 * n;
    }
}

__int128 wide(int64_t n) {
    return may_throw(n) + ((__int128)7 << 64);
}

double float_(int64_t n) __asm__("float");
double float_(int64_t n) {
    return (double)may_throw(n);
}
}

// What a call returns or throws. Values stay in saved registers across it.
template <typename F> __attribute__((noinline)) static void attempt(const char *name, int64_t n, F call) {
    int64_t a = n + 1, b = n * 2, c = n + 3, d = n * 4, e = n + 5;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
    try {
        std::printf("%s %" PRId64 "\n", name, call());
    } catch (int64_t caught) {
        std::printf("%s: caught %" PRId64 "\n", name, caught);
    } catch (const std::runtime_error &error) {
        std::printf("%s: caught %s\n", name, error.what());
    } catch (...) {
        std::printf("%s: caught something\n", name);
    }
    if (a + b + c + d + e != 9 * n + 9)
        std::printf("registers have changed\n");
}

int main() {
    for (int64_t n = 0; n < 5; n++) {
        attempt("catches", n, [=] { return catches(n, 1.5); });
        attempt("cleans", n, [=] { return cleans(n); });
        attempt("catches_or_cleans", n, [=] { return catches_or_cleans(n); });
        attempt("passes", n, [=] { return passes(1, n); });
        attempt("passes", n, [=] { return passes(0, n); });
        attempt("passes", n, [=] { return passes(n, 0); });
        attempt("throws", n, [=] { return throws(n), n; });
        attempt("rethrows", n, [=] { return rethrows(n), n; });
        attempt("takes_off", n, [=] { return takes_off(n); });
        attempt("returns_two", n, [=] { return returns_two(n); });
        attempt("returns_two", n, [=] { return returns_two(n + 10); });
    }
    attempt("collects", 1000, [] { return collects(may_throw, 1000); });
}
