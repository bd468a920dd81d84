// Replaces calls by instructions that do nothing, and puts them back. The table of calls is in the program's file.
#define _GNU_SOURCE
#include "../own_file.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t counts(int64_t);

void note(int64_t n) {
    printf(" %" PRId64, n);
}

static const unsigned char *table, *table_end;

static void find_table(const char *path) {
    const unsigned char *file;
    const Elf64_Shdr *section = find_section(path, ".clifc.patchable", &file);
    if (!section) return;
    table = file + section->sh_offset;
    table_end = table + section->sh_size;
}

#if defined __x86_64__
static const unsigned char nothing[] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
#elif defined __aarch64__
static const unsigned char nothing[] = {0x1f, 0x20, 0x03, 0xd5};
#elif defined __s390x__
static const unsigned char nothing[] = {0xc0, 0x04, 0x00, 0x00, 0x00, 0x00};
#endif

static void replace(unsigned char *at, const unsigned char *by) {
    uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)at & -page;
    uintptr_t end = ((uintptr_t)at + sizeof nothing + page - 1) & -page;
    mprotect((void *)start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(at, by, sizeof nothing);
    mprotect((void *)start, end - start, PROT_READ | PROT_EXEC);
    __builtin___clear_cache((char *)at, (char *)at + sizeof nothing);
}

static void call(void) {
    printf("calls:");
    int64_t result = counts(10);
    printf("; result %" PRId64 "\n", result);
}

int main(void) {
    find_table("/proc/self/exe");
    call();
    uint64_t function;
    uint32_t head[2];
    memcpy(&function, table, 8);
    memcpy(head, table + 8, 8);
    printf("%u calls in %d bytes\n", head[0], (int)(table_end - table));
    for (uint32_t i = 0; i < head[0]; i++) {
        uint32_t site[2];
        memcpy(site, table + 16 + 8 * i, 8);
        unsigned char *at = (unsigned char *)(base + function + site[0]), saved[sizeof nothing];
        if (site[1] != sizeof nothing)
            printf("a call of %u bytes\n", site[1]);
        memcpy(saved, at, sizeof nothing);
        replace(at, nothing);
        call();
        replace(at, saved);
    }
    call();
    return 0;
}
