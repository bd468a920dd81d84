// Prints where and why a program trapped, and all frames, when it gets a signal. For Linux on x86_64, aarch64
// and s390x. The reason is in the section .clifc.traps of the program's own file; files, lines and functions
// are in its debug information, which addr2line reads. A program of some size would link libbacktrace instead.
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

static const char *file; // The program's own file in memory.
static char path[4096];  // Its path.
static uintptr_t base;   // What addresses in memory have more than those in the file.
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static const char *reason(int code) {
    static const char *const names[] = {"conversion of a float to an integer that cannot have it",
        "integer division by zero", "invalid address", "integer overflow", "stack overflow"};
    return code >= 251 ? names[code - 251] : code ? "trap" : "signal";
}

// The trap code of the instruction at an address; 0 if it has none.
static int trap_code(uintptr_t pc) {
    const Elf64_Ehdr *header = (const void *)file;
    const Elf64_Shdr *section = (const void *)(file + header->e_shoff);
    const char *names = file + section[header->e_shstrndx].sh_offset;
    for (int i = 0; i < header->e_shnum; i++) {
        if (strcmp(names + section[i].sh_name, ".clifc.traps")) continue;
        for (const char *at = file + section[i].sh_offset, *end = at + section[i].sh_size; at < end;) {
            uint64_t function = *(const uint64_t *)at;
            uint32_t count = *(const uint32_t *)(at + 8);
            for (uint32_t n = 0; n < count; n++)
                if (base + function + ((const uint32_t *)(at + 12))[n] == pc)
                    return (unsigned char)at[12 + 4 * (size_t)count + n];
            at += (12 + 5 * (size_t)count + 7) / 8 * 8;
        }
    }
    return 0;
}

// Prints the functions that are at an address, those that were inlined first. Returns whether one is `main`.
static int print_place(uintptr_t pc, const char *what) {
    char command[8192], function[512], place[4096];
    snprintf(command, sizeof command, "addr2line -sfie '%s' %#lx", path, (long)(pc - base));
    FILE *out = popen(command, "r");
    int is_main = 0, printed = 0;
    while (out && fgets(function, sizeof function, out) && fgets(place, sizeof place, out)) {
        function[strcspn(function, "\n")] = place[strcspn(place, " \n")] = 0;
        if (printed++) fprintf(stderr, ", inlined into %s (%s)", function, place);
        else fprintf(stderr, "%s: %s %s", place, what, function);
        is_main |= !strcmp(function, "main");
    }
    fputc('\n', stderr);
    if (out) pclose(out);
    return is_main;
}

// One frame of the stack: those above the one that was interrupted belong to this file.
static _Unwind_Reason_Code frame(struct _Unwind_Context *context, void *interrupted) {
    uintptr_t pc = _Unwind_GetIP(context), *awaited = interrupted;
    if (!*awaited) return print_place(pc - 1, "called in") ? _URC_END_OF_STACK : _URC_NO_REASON;
    if (pc == *awaited) *awaited = 0;
    return _URC_NO_REASON;
}

static void on_signal(int number, siginfo_t *info, void *context) {
    const mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
#if defined __x86_64__
    uintptr_t pc = machine->gregs[REG_RIP], interrupted = pc;
#elif defined __aarch64__
    uintptr_t pc = machine->pc, interrupted = pc;
#elif defined __s390x__ // The program counter is behind an instruction that did not access memory.
    uintptr_t interrupted = machine->psw.addr;
    uintptr_t pc = number == SIGSEGV ? interrupted : (uintptr_t)info->si_addr;
#endif
    char what[128];
    snprintf(what, sizeof what, "%s, in", reason(trap_code(pc)));
    (void)number, (void)info;
    if (!print_place(pc, what)) _Unwind_Backtrace(frame, &interrupted);
    _exit(1);
}

// The program calls this first.
void trace_traps(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int fd = open("/proc/self/exe", O_RDONLY);
    if (fd < 0 || readlink("/proc/self/exe", path, sizeof path - 1) < 0) abort();
    file = mmap(0, lseek(fd, 0, SEEK_END), PROT_READ, MAP_PRIVATE, fd, 0);
    base = ((const Elf64_Ehdr *)file)->e_type == ET_DYN ? (uintptr_t)__ehdr_start : 0;
    sigaction(SIGILL, &action, 0), sigaction(SIGFPE, &action, 0), sigaction(SIGSEGV, &action, 0);
}
