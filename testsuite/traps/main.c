#define _GNU_SOURCE
// Finds the code of a trap in the table of trap sites that this program's own file has.
#include "../own_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

extern int divide(int), overflow(int), convert(double), fetch(const void *), explicit_(int)
    __asm__("explicit"), no_traps(int);

static const unsigned char *table, *table_end;
static sigjmp_buf back;

static void find_table(const char *path) {
    const unsigned char *file;
    const Elf64_Shdr *section = find_section(path, ".clifc.traps", &file);
    if (!section) return;
    table = file + section->sh_offset;
    table_end = table + section->sh_size;
}

// The trap code of the instruction at `pc`; 0 if it has none.
static int trap_code(uintptr_t pc) {
    for (const unsigned char *at = table; at < table_end;) {
        uint64_t function;
        uint32_t count;
        memcpy(&function, at, 8);
        memcpy(&count, at + 8, 4);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t offset;
            memcpy(&offset, at + 12 + 4 * i, 4);
            if (base + function + offset == pc)
                return at[12 + 4 * count + i];
        }
        at += (12 + 5 * (size_t)count + 7) / 8 * 8;
    }
    return 0;
}

// The instruction that a signal is about.
static uintptr_t pc_of(int number, siginfo_t *info, ucontext_t *context) {
    (void)number, (void)info;
#if defined __x86_64__
    return context->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    return context->uc_mcontext.pc;
#elif defined __s390x__
    // The program counter is past an instruction that did not access memory.
    return number == SIGILL || number == SIGFPE ? (uintptr_t)info->si_addr : context->uc_mcontext.psw.addr;
#endif
}

static void on_signal(int number, siginfo_t *info, void *context) {
    siglongjmp(back, trap_code(pc_of(number, info, context)));
}

#define TRY(call)                                                                                              \
    do {                                                                                                       \
        int code = sigsetjmp(back, 1);                                                                         \
        if (code)                                                                                              \
            printf("%s: trap %d\n", #call, code);                                                              \
        else                                                                                                   \
            printf("%s: %d\n", #call, call);                                                                   \
    } while (0)

int main(void) {
    find_table("/proc/self/exe");
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGILL, &action, 0);
    sigaction(SIGFPE, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    static const int words[8] = {0, 1, 2, 3, 4};
    TRY(divide(7));
    TRY(divide(0));
    TRY(overflow(0));
    TRY(overflow(5));
    TRY(convert(-12.75));
    TRY(convert(1e10));
    TRY(convert(__builtin_nan("")));
    TRY(fetch(words));
    TRY(fetch(0));
    TRY(explicit_(3));
    TRY(explicit_(0));
    TRY(no_traps(1));
    return 0;
}
