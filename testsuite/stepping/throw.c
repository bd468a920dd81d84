// Throws an exception to the function that called `throw`, as src/object/handlers.rs describes.
#include <stdint.h>
#include <stdlib.h>

// The section of handlers, which objcopy gave a name that linkers make symbols of.
extern const uint32_t __start_handlers[], __stop_handlers[];

static const char *handler_of(const char *from) {
    const uint32_t *at = __start_handlers;
    while (at < __stop_handlers) {
        const char *function = *(const char *const *)at;
        const uint32_t *words = at + 4;
        for (uint32_t n = at[2]; n > 0; n--, words += 4)
            if (function + words[0] == from) return function + words[1];
        at = words;
    }
    abort();
}

// The stack pointer gets the value that it had at the call, and so does the register that may be the frame
// pointer.
__attribute__((noinline)) int64_t throw(int64_t first, int64_t second) {
    const char *handler = handler_of(__builtin_extract_return_addr(__builtin_return_address(0)));
    char *cfa = __builtin_dwarf_cfa();
#if defined(__x86_64__)
    void *rbp = *(void **)__builtin_frame_address(0);
    __asm__ volatile("mov %0, %%rsp\n\tmov %4, %%rbp\n\tjmp *%1" ::"r"(cfa), "r"(handler), "a"(first),
                     "d"(second), "c"(rbp));
#elif defined(__aarch64__)
    register int64_t x0 __asm__("x0") = first, x1 __asm__("x1") = second;
    void *x29 = *(void **)__builtin_frame_address(0);
    __asm__ volatile("mov sp, %0\n\tmov x29, %4\n\tbr %1" ::"r"(cfa), "r"(handler), "r"(x0), "r"(x1),
                     "r"(x29));
#elif defined(__s390x__)
    register int64_t r6 __asm__("r6") = first, r7 __asm__("r7") = second;
    // The canonical frame address is above the area that callers reserve, in which r11 is saved.
    __asm__ volatile("lgr %%r15, %0\n\tlg %%r11, 88(%0)\n\tbr %1" ::"a"(cfa - 160), "a"(handler), "r"(r6),
                     "r"(r7));
#endif
    __builtin_unreachable();
}
