// Maps an image where it belongs, protects its parts, and calls its functions: load IMAGE MAP.
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int64_t noted(int64_t n) {
    printf("noted %" PRId64 "\n", n);
    return n + 1;
}

int64_t noted_by_pointer(int64_t n) {
    printf("noted by pointer %" PRId64 "\n", n);
    return -n;
}

static void fail(const char *what) {
    printf("%s\n", what);
    exit(1);
}

static char map[1 << 16];

// The address of what the map calls `kind` and `name`.
static uint64_t find(const char *kind, const char *name) {
    for (const char *line = map; *line; line = strchr(line, '\n') + 1) {
        char found_kind[32], found_name[256];
        uint64_t address, size;
        int found = sscanf(line, "%31s %" SCNx64 " %" SCNx64 " %255s", found_kind, &address, &size,
                           found_name);
        if (found == 4 && !strcmp(found_kind, kind) && !strcmp(found_name, name))
            return address;
    }
    fail(name);
    return 0;
}

static int64_t call(const char *name, int64_t argument) {
    int64_t (*function)(int64_t) = (int64_t(*)(int64_t))find("function", name);
    int64_t result = function(argument);
    printf("%s(%" PRId64 ") = %" PRId64 "\n", name, argument, result);
    return result;
}

int main(int argc, char **argv) {
    if (argc != 3)
        fail("load IMAGE MAP");
    FILE *file = fopen(argv[2], "r");
    if (!file || fread(map, 1, sizeof map - 1, file) == 0)
        fail("no map");
    fclose(file);
    uint64_t base, in_file, in_memory;
    if (sscanf(map, "image %" SCNx64 " %" SCNx64 " %" SCNx64, &base, &in_file, &in_memory) != 3)
        fail("the map's first line");
    char *memory = mmap((void *)base, in_memory, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (memory != (char *)base)
        fail("there is something at the address");
    file = fopen(argv[1], "r");
    if (!file || fread(memory, 1, in_file, file) != in_file || fgetc(file) != EOF)
        fail("the image's size");
    fclose(file);
    __builtin___clear_cache(memory, memory + in_memory);
    for (const char *line = map; *line; line = strchr(line, '\n') + 1) {
        uint64_t address, size;
        char access[4];
        if (sscanf(line, "part %" SCNx64 " %" SCNx64 " %3s", &address, &size, access) != 3)
            continue;
        int wanted = PROT_READ | (access[1] == 'w' ? PROT_WRITE : 0) | (access[2] == 'x' ? PROT_EXEC : 0);
        if (mprotect((void *)address, size, wanted) != 0)
            fail("mprotect");
        printf("part %s\n", access);
    }
    call("square", 7);
    call("through_table", 3);
    call("through_table", 3);
    call("notes", 9);
    call("enters", 100);
    call("fills", 21);
    call("fills", 4);
    call("has_absent", 0);
    double (*chooses)(int64_t) = (double (*)(int64_t))find("function", "chooses");
    char *(*name_of)(int64_t) = (char *(*)(int64_t))find("function", "name_of");
    for (int64_t n = 0; n < 4; n++)
        printf("%s %.3f\n", n < 3 ? name_of(n) : "-", chooses(n));
    if (*(int64_t *)find("data", "counter") != 7)
        fail("the counter");
    // The list of trap sites begins with the address of the only function that has some.
    if (*(uint64_t *)find("section", ".clifc.traps") != find("function", "divides"))
        fail("the list of traps");
    if (find("outside", "noted") != (uint64_t)noted)
        fail("the address of a function of the program");
    return 0;
}
