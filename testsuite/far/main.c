// Does what the function of far.awk does.
#include <stdint.h>
#include <stdio.h>

uint64_t far(uint64_t last, uint64_t value);

static uint64_t expected(uint64_t last, uint64_t value) {
    for (uint64_t block = 1; last != 0 && block <= 1400; block++) {
        for (uint64_t step = 0; step < 60; step++) {
            uint64_t n = (block * 7919 + step * 104729) % 30000 + 1;
            uint64_t number = n << 48 | (n + 1) << 32 | (n + 2) << 16 | (n + 3);
            value = step % 3 == 0 ? value + number : step % 3 == 1 ? value ^ number : value - number;
        }
        if (last == block) break;
    }
    return value;
}

int main(void) {
    static const uint64_t lasts[] = {0, 1, 2, 499, 1400, 77777};
    for (unsigned i = 0; i < sizeof lasts / sizeof *lasts; i++) {
        int right = far(lasts[i], i * 12345) == expected(lasts[i], i * 12345);
        printf("%llu %s\n", (unsigned long long)lasts[i], right ? "right" : "wrong");
    }
    return 0;
}
