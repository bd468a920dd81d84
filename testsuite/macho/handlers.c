// Finds the tables of handlers by the unwind information of this program, as unwinders do, and checks that they
// lead to the personality and to the types.
#include <stdint.h>
#include <string.h>

int puts(const char *);
long plain(long), guarded(long), cleans(long);
extern const unsigned char start[] __asm__("section$start$__TEXT$__eh_frame");
extern const unsigned char end[] __asm__("section$end$__TEXT$__eh_frame");

int one, two;
void own_personality(void) {
}
long work(long n) {
    return n;
}

static int32_t word(const unsigned char *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

static int64_t quad(const unsigned char *at) {
    int64_t value;
    memcpy(&value, at, 8);
    return value;
}

static const void *indirect(const unsigned char *at) {
    return *(const void *const *)(at + word(at));
}

static int same(const unsigned char *a, const char *b) {
    while (*b && *a == (unsigned char)*b)
        a++, b++;
    return *a == (unsigned char)*b;
}

static void expect(int is_so, const char *name, const char *what) {
    if (!is_so) {
        puts(name);
        puts(what);
    }
}

// The table of handlers of a function; null if it has none. Checks the personality.
static const unsigned char *table_of(const char *name, const void *function) {
    for (const unsigned char *at = start; at < end && word(at); at += 4 + word(at)) {
        if (!word(at + 4) || at + 8 + quad(at + 8) != function)
            continue;
        const unsigned char *common = at + 4 - word(at + 4);
        expect(common[8] == 1, name, "version");
        if (!same(common + 9, "zLPR")) {
            expect(same(common + 9, "zR"), name, "letters");
            return 0;
        }
        // Units and the return address's register take a byte each.
        const unsigned char *data = common + 14 + 3;
        expect(data[0] == 7 && data[1] == 0x10 && data[2] == 0x9b && data[7] == 0x10, name, "encodings");
        expect(indirect(data + 3) == (const void *)own_personality, name, "personality");
        expect(at[24] == 8, name, "length");
        return at + 25 + quad(at + 25);
    }
    return 0;
}

int main(void) {
    expect(!table_of("plain", plain), "plain", "it has a table");
    const unsigned char *table = table_of("guarded", guarded);
    expect(table != 0, "guarded", "it has no table");
    if (table) {
        const unsigned char *types = table + 3 + table[2];
        expect(table[0] == 0xff && table[1] == 0x9b && table[3] == 1, "guarded", "head");
        expect(indirect(types - 4) == &one, "guarded", "tag 1");
        expect(indirect(types - 8) == &two, "guarded", "tag 2");
    }
    table = table_of("cleans", cleans);
    expect(table && table[0] == 0xff && table[1] == 0xff && table[2] == 1, "cleans", "head");
    puts("checked");
    return guarded(5) - 5;
}
