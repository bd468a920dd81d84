#include <stdint.h>
#include <stdio.h>

uint64_t large(uint64_t value, uint32_t which, double addend);

static uint64_t computed(uint64_t value, uint32_t which) {
    for (uint32_t rounds = which == 2 ? 3 : 2; rounds > 0; rounds--) {
        for (uint64_t i = 1; i <= 64000; i++) {
            uint64_t constant = (i * 7919 % 65536) << 48 | (i * 104729 % 65536) << 32
                | (i * 31 % 65536) << 16 | (i * 17 + 5) % 65536;
            value ^= constant;
            value = value << 13 | value >> 51;
            if (i % 8 == 0)
                value ^= value >> rounds;
        }
    }
    return value;
}

int main(void) {
    uint32_t whiches[] = {0, 2, 3, 99};
    for (int i = 0; i < 4; i++)
        printf("%d\n", large(12345678901 | 4, whiches[i], 1.5) == computed(12345678901 | 4, whiches[i]));
    printf("%d %d %d %d %d\n", (int)large(0, 0, 0), (int)large(8, 0, 0), (int)large(4, 100, 0),
        (int)large(4, 0, -1), (int)large(4, 1, 1));
}
