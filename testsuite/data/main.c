#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern const char greeting[];
extern int64_t counter;
extern const unsigned char numbers[];
extern char buffer[4096];
extern const char padded[8];
extern int64_t (*const operations[4])(int64_t, int64_t);
extern void *pointers[];
extern char **environ;

int64_t apply(int64_t, int64_t, int64_t);
int64_t bump(void);
int odd(void);
char **environment(void);

static void show_numbers(void) {
    int16_t half;
    int32_t word;
    int64_t whole;
    float single;
    double precise;
    memcpy(&half, numbers + 1, 2);
    memcpy(&word, numbers + 3, 4);
    memcpy(&whole, numbers + 7, 8);
    memcpy(&single, numbers + 15, 4);
    memcpy(&precise, numbers + 19, 8);
    printf("%d %x %d %llx %g %g\n", (signed char)numbers[0], half, word, (long long)whole, single, precise);
}

int main(void) {
    printf("%s", greeting);
    show_numbers();
    printf("%d %d %d\n", padded[0], padded[3], padded[7]);
    for (int i = 0; i < 3; i++)
        printf("%lld\n", (long long)apply(i, 7, 5));
    printf("%lld\n", (long long)bump());
    printf("%lld\n", (long long)bump());
    int64_t mark;
    memcpy(&mark, buffer + 4088, 8);
    printf("%lld %lld\n", (long long)counter, (long long)mark);
    printf("%d %d\n", (int)((uintptr_t)buffer % 64), (int)((uintptr_t)&counter % 8));
    printf("%d%d%d%d\n", pointers[0] == &counter, pointers[1] == numbers + 8, pointers[2] == pointers,
           pointers[3] == operations + 2);
    int32_t five;
    memcpy(&five, pointers + 4, 4);
    printf("%d\n", five);
    ((int (*)(const char *))operations[3])("called through a table");
    printf("%d %d\n", odd(), environment() == environ);
    return 0;
}
