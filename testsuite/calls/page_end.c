// Passes structures that end where memory does.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

long page_end(const unsigned char *, const unsigned char *, const unsigned char *);

long c_sum(const unsigned char *bytes, long size) {
    long sum = 0;
    while (size > 0) sum += bytes[--size];
    return sum;
}

int main(void) {
    long page = sysconf(_SC_PAGESIZE);
    unsigned char *memory = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *end = memory + page;
    if (memory == MAP_FAILED || mprotect(end, page, PROT_NONE) != 0) return 1;
    memset(memory, 1, page);
    printf("%ld\n", page_end(end - 5, end - 23, end - 131));
    return 0;
}
