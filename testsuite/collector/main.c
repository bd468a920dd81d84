// A collector that marks and moves: each allocation moves every object that stack maps and objects lead to, and
// overwrites where they were.
#define _GNU_SOURCE
#include "../own_file.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

int64_t list(int64_t), sum(int64_t), tree(int64_t);

enum { CELLS = 4000 };
struct cell {
    int64_t words[2];
};
static struct cell heaps[2][CELLS];
static int active, used, moved;
static int64_t collections, relocated;

static const unsigned char *maps, *maps_end;

// The section is loaded: its own header says where.
static void find_maps(const char *path) {
    const unsigned char *file;
    const Elf64_Shdr *section = find_section(path, ".llvm_stackmaps", &file);
    if (!section) return;
    maps = (const unsigned char *)(base + section->sh_addr);
    maps_end = maps + section->sh_size;
}

static uint64_t number(const unsigned char *at, int size) {
    uint64_t wide;
    uint32_t word;
    uint16_t half;
    switch (size) {
    case 8:
        return memcpy(&wide, at, 8), wide;
    case 4:
        return memcpy(&word, at, 4), word;
    default:
        return memcpy(&half, at, 2), half;
    }
}

#if defined __x86_64__
enum { STACK_POINTER = 7, RETURN_ADDRESS = 8, ABOVE = 0 };
#elif defined __aarch64__
enum { STACK_POINTER = 31, RETURN_ADDRESS = 0, ABOVE = 0 };
#elif defined __s390x__
enum { STACK_POINTER = 15, RETURN_ADDRESS = 0, ABOVE = 160 };
#endif

static void expect(int is_so, const char *what) {
    if (!is_so) {
        printf("the stack map is wrong: %s\n", what);
        exit(1);
    }
}

// The record of the call that returns to `pc`; null if it has none. Stores the size of its frame.
static const unsigned char *record_of(uintptr_t pc, uint64_t *frame) {
    for (const unsigned char *at = maps; at < maps_end;) {
        expect(at[0] == 3 && !at[1] && !number(at + 2, 2), "version");
        uint32_t functions = number(at + 4, 4);
        expect(number(at + 8, 4) == 0, "constants");
        const unsigned char *function = at + 16, *record = function + 24 * functions;
        uint64_t all = 0;
        for (uint32_t i = 0; i < functions; i++, function += 24) {
            uint64_t records = number(function + 16, 8);
            all += records;
            for (uint64_t j = 0; j < records; j++) {
                expect(number(record, 8) == j, "number");
                if (number(function, 8) + number(record + 8, 4) == pc) {
                    *frame = number(function + 8, 8);
                    return record;
                }
                record += (16 + 12 * number(record + 14, 2) + 7) / 8 * 8 + 8;
            }
        }
        expect(number(at + 12, 4) == all, "count");
        at = record;
    }
    return 0;
}

// Moves what a word refers to, unless it is a number or was moved before, and updates the word.
static void move(int64_t *word) {
    struct cell *old = (struct cell *)(uintptr_t)*word, *to = heaps[!active];
    if (!*word || *word & 1)
        return;
    expect(old >= heaps[active] && old < heaps[active] + used, "it names no object");
    // A moved object has its new address plus 2 in its first word.
    if ((old->words[0] & 3) != 2) {
        to[moved] = *old;
        old->words[0] = (intptr_t)&to[moved++] + 2;
        relocated++;
    }
    *word = old->words[0] - 2;
}

static uintptr_t callers_frame;

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data) {
    (void)data;
    uint64_t frame;
    const unsigned char *record = record_of(_Unwind_GetIP(context), &frame);
    uintptr_t stack = _Unwind_GetCFA(context) - ABOVE;
    if (callers_frame)
        expect(_Unwind_GetCFA(context) == callers_frame, "size of a frame");
    callers_frame = record ? stack + frame + RETURN_ADDRESS : 0;
    if (!record)
        return _URC_NO_REASON;
    const unsigned char *value = record + 16;
    for (unsigned i = number(record + 14, 2); i--; value += 12) {
        expect(value[0] == 3 && value[1] == 3 && number(value + 2, 2) == 8, "kind, type and size");
        expect(number(value + 4, 2) == STACK_POINTER, "register");
        move((int64_t *)(stack + (int32_t)number(value + 8, 4)));
    }
    return _URC_NO_REASON;
}

struct cell *allocate(void) {
    moved = 0;
    callers_frame = 0;
    _Unwind_Backtrace(visit, 0);
    for (int scanned = 0; scanned < moved; scanned++)
        for (int i = 0; i < 2; i++)
            move(&heaps[!active][scanned].words[i]);
    memset(heaps[active], 0xAA, sizeof heaps[active]);
    active = !active, used = moved;
    collections++;
    expect(used < CELLS, "nothing is freed");
    return &heaps[active][used++];
}

static int64_t leaves(int64_t word) {
    struct cell *cell = (struct cell *)(uintptr_t)word;
    if (cell->words[0] & 1)
        return cell->words[0] >> 1;
    return leaves(cell->words[0]) + leaves(cell->words[1]);
}

int main(void) {
    find_maps("/proc/self/exe");
    printf("%" PRId64 "\n", sum(list(200)));
    printf("%" PRId64 "\n", leaves(tree(6)));
    printf("%" PRId64 " collections moved %" PRId64 " objects\n", collections, relocated);
    return 0;
}
