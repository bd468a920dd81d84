#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

// What `stack_switch` saves: the stack pointer, the frame pointer, and where the stack goes on.
struct context {
    uintptr_t stack, frame, next;
};

extern struct context here, there;
struct context other;
int64_t weaves(struct context *from, struct context *to, int64_t n, double x);
int64_t swaps(struct context *context, int64_t n);
void starts(int64_t n);
void counts(int64_t n);

static _Alignas(16) unsigned char stack[1 << 16];

// Makes a context in which a function that never returns begins.
static void prepare(struct context *context, void (*function)(int64_t)) {
    uintptr_t top = (uintptr_t)(stack + sizeof stack);
#if defined __x86_64__
    // The address to return to, which the caller pushes.
    top -= 8;
    *(uintptr_t *)top = 0;
#elif defined __s390x__
    // The area where the callee saves registers.
    top -= 160;
#endif
    *context = (struct context){top, 0, (uintptr_t)function};
}

// Runs on either stack, and uses some of it.
int64_t noted(int64_t n) {
    volatile char used[500];
    used[0] = 1;
    int64_t place = (int64_t)(uintptr_t)used - (int64_t)(uintptr_t)stack;
    printf("%s: %" PRId64 "\n", place >= 0 && place < (int64_t)sizeof stack ? "there" : "here", n);
    return n + used[0];
}

int main(void) {
    prepare(&there, starts);
    printf("%" PRId64 "\n", weaves(&here, &there, 5, 1.5));
    // One piece of memory has the context of the stack that is not running.
    prepare(&other, counts);
    for (int64_t n = 1; n < 5; n++)
        printf("%" PRId64 "\n", swaps(&other, 10 * n));
}
