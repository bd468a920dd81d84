// Maps a page at the address that the generated code was told.
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

int64_t reads(int64_t), far_address(void);
extern const uintptr_t table[2];

int main(void) {
    int64_t *values = mmap((void *)0x10002000, 4096, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if ((uintptr_t)values != 0x10002000)
        return perror("mmap"), 1;
    for (int64_t i = 0; i < 10; i++)
        values[i] = i * i;
    printf("%" PRId64 " %" PRId64 "\n", reads(3), reads(9));
    printf("%" PRIx64 " %" PRIxPTR " %" PRIxPTR "\n", far_address(), table[0], table[1]);
    return 0;
}
