#define _GNU_SOURCE
// A runtime without unwinder: it throws from the function that a handler's call calls, so that the frame is
// the caller's.
#include "../own_file.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t tries(int64_t, int64_t), pops(int64_t);

static const unsigned char *table, *table_end;

static void find_table(const char *path) {
    const unsigned char *file;
    const Elf64_Shdr *section = find_section(path, ".clifc.exceptions", &file);
    if (!section) return;
    table = file + section->sh_offset;
    table_end = table + section->sh_size;
}

// Goes to a handler, with the payload 500 and 60.
_Noreturn static void go(uintptr_t handler, uintptr_t stack) {
#if defined __x86_64__
    __asm__ volatile("movq %1, %%rsp\n\tjmpq *%0" ::"r"(handler), "r"(stack), "a"(500L), "d"(60L) : "memory");
#elif defined __aarch64__
    register int64_t first __asm__("x0") = 500, second __asm__("x1") = 60;
    register uintptr_t to __asm__("x16") = handler;
    __asm__ volatile("mov sp, %1\n\tbr %0" ::"r"(to), "r"(stack), "r"(first), "r"(second) : "memory");
#elif defined __s390x__
    register int64_t first __asm__("r6") = 500, second __asm__("r7") = 60;
    register uintptr_t to __asm__("r1") = handler, down __asm__("r2") = stack;
    __asm__ volatile("lgr %%r15, %1\n\tbr %0" ::"a"(to), "d"(down), "d"(first), "d"(second) : "memory");
#endif
    __builtin_unreachable();
}

// Throws an exception with this tag to a handler of the call that returns to `pc`.
static void throw_to(uintptr_t pc, uint32_t tag, uintptr_t stack) {
    for (const unsigned char *at = table; at < table_end;) {
        uint64_t function;
        uint32_t head[2];
        memcpy(&function, at, 8);
        memcpy(head, at + 8, 8);
        for (uint32_t i = 0; i < head[0]; i++) {
            uint32_t words[4];
            memcpy(words, at + 16 + 16 * i, 16);
            if (base + function + words[0] != pc)
                continue;
            if (words[3] == 2)
                printf("context %" PRId64 "\n", *(int64_t *)(stack + words[1]));
            else if (words[3] == 1 || words[2] == tag)
                go(base + function + words[1], stack);
        }
        at += 16 + 16 * (size_t)head[0];
    }
    printf("there is no handler\n");
    exit(1);
}

// Its caller's stack pointer is known by the address of this function's frame.
#if defined __s390x__
#define CALLERS_STACK ((uintptr_t)__builtin_dwarf_cfa() - 160)
#else
#define CALLERS_STACK ((uintptr_t)__builtin_dwarf_cfa())
#endif

__attribute__((noinline)) int64_t throws(int64_t n) {
    if (n < 10)
        throw_to((uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)), n, CALLERS_STACK);
    return n;
}

int main(void) {
    find_table("/proc/self/exe");
    for (int64_t n = -1; n < 12; n += n == 3 ? 6 : 1) {
        printf("%" PRId64 ": %" PRId64 "\n", n, tries(n, n + 50));
        printf("%" PRId64 "\n", pops(n));
    }
    return 0;
}
