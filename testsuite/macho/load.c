/* Runs a simple Mach-O executable on Linux: maps its segments at their addresses, binds its imports to the
   symbols of this program, and calls its initialisers and main. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct header { uint32_t magic, cpu, subtype, type, commands, commands_size, flags, reserved; };
struct command { uint32_t number, size; };
struct segment {
    struct command command;
    char name[16];
    uint64_t address, size, offset, file_size;
    uint32_t most, first, sections, flags;
};
struct section {
    char name[16], segment[16];
    uint64_t address, size;
    uint32_t offset, align, relocations_at, relocations, flags, reserved[3];
};
struct bindings {
    struct command command;
    uint32_t rebase, rebase_size, at, size, weak, weak_size, lazy, lazy_size, exports, exports_size;
};
struct symbol_table { struct command command; uint32_t symbols_at, symbols, strings_at, strings_size; };
struct symbol { uint32_t name; uint8_t type, section; uint16_t description; uint64_t value; };
struct entry { struct command command; uint64_t offset; };

enum { SEGMENT = 0x19, SYMBOLS = 2, BINDINGS = 0x80000022, ENTRY = 0x80000028 };
enum { INITIALISERS = 0x9, THREAD_DATA = 0x11, THREAD_ZEROS = 0x12 };

static char *file;
static struct segment *segments[16];
static struct symbol_table *symbol_table;
static uint64_t text_address;

/* Where the initial values of thread variables begin. There is one thread, which uses them as they are. */
uint64_t thread_values;
extern char thread_variable[];
#ifdef __x86_64__
/* It keeps all general registers, but need not keep the others. */
__asm__(".globl thread_variable\nthread_variable:\n"
        "movq 16(%rdi), %rax\n addq thread_values(%rip), %rax\n"
        "xorps %xmm0, %xmm0\n xorps %xmm1, %xmm1\n xorps %xmm2, %xmm2\n xorps %xmm3, %xmm3\n"
        "movq %rax, %rdi\n ret");
#else
__asm__(".globl thread_variable\nthread_variable:\n"
        "ldr x0, [x0, 16]\n adrp x16, thread_values\n ldr x16, [x16, :lo12:thread_values]\n"
        "add x0, x0, x16\n ret");
#endif

static void fail(const char *what, const char *which) {
    fprintf(stderr, "%s: %s\n", what, which);
    exit(1);
}

/* The address of an import: the file's own definition, or this program's without the underscore. */
static uint64_t find(const char *name, int may_be_absent) {
    if (!strcmp(name, "__tlv_bootstrap"))
        return (uint64_t)thread_variable;
    struct symbol *symbols = (struct symbol *)(file + symbol_table->symbols_at);
    for (uint32_t i = 0; i < symbol_table->symbols; i++)
        if (symbols[i].section && !strcmp(file + symbol_table->strings_at + symbols[i].name, name))
            return symbols[i].value;
    uint64_t found = (uint64_t)dlsym(RTLD_DEFAULT, name + 1);
    if (!found && !may_be_absent && strcmp(name, "dyld_stub_binder"))
        fail("there is no", name);
    return found;
}

static uint64_t number(uint8_t **at) {
    uint64_t value = 0;
    int shift = 0;
    do
        value |= (uint64_t)(**at & 0x7f) << shift, shift += 7;
    while (*(*at)++ & 0x80);
    return value;
}

/* Follows a program of binding: a byte is an operation and a small number. */
static void bind(uint32_t offset, uint32_t size) {
    uint8_t *at = (uint8_t *)file + offset, *end = at + size;
    uint64_t place = 0, value = 0, times, skip;
    while (at < end) {
        uint8_t operation = *at >> 4, small = *at++ & 15;
        switch (operation) {
        case 0: case 1: case 3: case 5:
            break;
        case 2:
            number(&at);
            break;
        case 4:
            value = find((char *)at, small & 1);
            at += strlen((char *)at) + 1;
            break;
        case 7:
            place = segments[small]->address + number(&at);
            break;
        case 8:
            place += number(&at);
            break;
        case 9: case 10: case 11:
            *(uint64_t *)place = value;
            place += 8 + (operation == 10 ? number(&at) : operation == 11 ? 8 * small : 0);
            break;
        case 12:
            for (times = number(&at), skip = number(&at); times; times--, place += 8 + skip)
                *(uint64_t *)place = value;
            break;
        default:
            fail("unknown operation", "of binding");
        }
    }
}

static void map(struct segment *segment) {
    if (!strcmp(segment->name, "__TEXT"))
        text_address = segment->address;
    if (!segment->first)
        return;
    void *wanted = (void *)segment->address;
    if (mmap(wanted, segment->size, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != wanted)
        fail("no place for", segment->name);
    memcpy(wanted, file + segment->offset, segment->file_size);
    __builtin___clear_cache(wanted, (char *)wanted + segment->file_size);
}

/* The sections of a kind, one call each. */
static void each_section(uint32_t type, void (*visit)(struct section *)) {
    for (int i = 0; segments[i]; i++) {
        struct section *section = (struct section *)(segments[i] + 1);
        for (uint32_t j = 0; j < segments[i]->sections; j++)
            if ((section[j].flags & 0xff) == type)
                visit(&section[j]);
    }
}

static void note_thread_values(struct section *section) {
    if (!thread_values || section->address < thread_values)
        thread_values = section->address;
}

static void initialise(struct section *section) {
    for (uint64_t i = 0; i < section->size / 8; i++)
        ((void (**)(void))section->address)[i]();
}

int main(int count, char **arguments) {
    FILE *input = count == 2 ? fopen(arguments[1], "rb") : 0;
    if (!input)
        fail("can't open", "the program");
    file = calloc(1, 1 << 24);
    fread(file, 1, 1 << 24, input);
    struct bindings *bindings = 0;
    struct entry *entry = 0;
    int found = 0;
    char *at = file + sizeof(struct header);
    for (uint32_t i = 0; i < ((struct header *)file)->commands; i++, at += ((struct command *)at)->size)
        switch (((struct command *)at)->number) {
        case SEGMENT: map(segments[found++] = (struct segment *)at); break;
        case SYMBOLS: symbol_table = (struct symbol_table *)at; break;
        case BINDINGS: bindings = (struct bindings *)at; break;
        case ENTRY: entry = (struct entry *)at; break;
        }
    if (!bindings || !entry || !symbol_table)
        fail("unknown kind of file", arguments[1]);
    bind(bindings->at, bindings->size);
    bind(bindings->weak, bindings->weak_size);
    bind(bindings->lazy, bindings->lazy_size);
    each_section(THREAD_DATA, note_thread_values);
    each_section(THREAD_ZEROS, note_thread_values);
    each_section(INITIALISERS, initialise);
    return ((int (*)(void))(text_address + entry->offset))();
}
