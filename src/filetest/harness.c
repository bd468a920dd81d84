/* Runs the cases of run tests.
 *
 * Input on stdin, one line each:
 *   <function> <total size> <arguments, as hex digits>
 *   group              ends the cases of a test
 * Output on stdout, one line for each case in the same order:
 *   ok <memory after the call, as hex digits>
 *   signal <number> <trap code, or 0>
 *   timeout
 *
 * The function is passed the address of memory that begins with the arguments. The cases of a test run in
 * a child process; when a case kills it, the next case gets a new one. The table functions[], its length
 * FUNCTIONS and the time limit SECONDS of a case are defined before this text.
 *
 * The code of a trap is looked up in the section .clifc.traps of the program's own file. */

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

struct test {
    unsigned function, size;
    unsigned char *memory; /* shared with the children */
    int status;
    int *trap; /* shared as well */
};

static unsigned char *arena, *arena_end;

static void die(const char *why) {
    perror(why);
    exit(3);
}

static unsigned nibble(char digit) {
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* Allocates memory that is shared with child processes, aligned for any vector. */
static void *shared(size_t size) {
    enum { CHUNK = 1 << 24 };
    size = (size + 63) & ~(size_t)63;
    if ((size_t)(arena_end - arena) < size) {
        size_t chunk = size > CHUNK ? size : CHUNK;
        arena = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (arena == MAP_FAILED) die("mmap");
        arena_end = arena + chunk;
    }
    arena += size;
    return arena - size;
}

/* The difference between the addresses of the program and those in its file. */
static int note_base(struct dl_phdr_info *info, size_t size, void *base) {
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1; /* the first is the program */
}

/* The trap code of the instruction at `pc`, given the section; 0 if it has none. */
static int code_in(const unsigned char *at, const unsigned char *end, uintptr_t pc) {
    enum { HEADER = 12 };
    while (end - at > HEADER) {
        uint64_t function;
        uint32_t count;
        memcpy(&function, at, sizeof function);
        memcpy(&count, at + 8, sizeof count);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t offset;
            memcpy(&offset, at + HEADER + 4 * (size_t)i, sizeof offset);
            if (function + offset == pc) return at[HEADER + 4 * (size_t)count + i];
        }
        at += (HEADER + 5 * (size_t)count + 7) / 8 * 8;
    }
    return 0;
}

/* A section of the program's own file, and the end of it; null if there is none. */
static const unsigned char *section(const char *name, const unsigned char **end) {
    struct stat info;
    int file = open("/proc/self/exe", O_RDONLY);
    if (file < 0 || fstat(file, &info) < 0) return NULL;
    const unsigned char *bytes = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED) return NULL;
    const Elf64_Ehdr *header = (const void *)bytes;
    const Elf64_Shdr *sections = (const void *)(bytes + header->e_shoff);
    const char *names = (const char *)bytes + sections[header->e_shstrndx].sh_offset;
    for (int i = 0; i < header->e_shnum; i++) {
        if (strcmp(names + sections[i].sh_name, name) != 0) continue;
        *end = bytes + sections[i].sh_offset + sections[i].sh_size;
        return bytes + sections[i].sh_offset;
    }
    return NULL;
}

/* The trap code of the instruction at `pc`; 0 if it has none or if it can't be found out. */
static int trap_code(uintptr_t pc) {
    const unsigned char *end, *start = section(".clifc.traps", &end);
    if (!start) return 0;
    uintptr_t base = 0;
    dl_iterate_phdr(note_base, &base);
    return code_in(start, end, pc - base);
}

/* An exception on its way: its tag, its payload, and the table of handlers. */
struct thrown {
    uint32_t tag;
    intptr_t payload[2];
    const unsigned char *table, *end;
    uintptr_t base;
};

/* Jumps to a handler with the frame's stack and frame pointer. */
static void enter(uintptr_t handler, uintptr_t stack, uintptr_t frame, const intptr_t payload[2]) {
#if defined __x86_64__
    __asm__ volatile("movq %1, %%rsp\n\tmovq %2, %%rbp\n\tjmpq *%0" ::"r"(handler), "r"(stack), "r"(frame),
                     "a"(payload[0]), "d"(payload[1]));
#elif defined __aarch64__
    register intptr_t first __asm__("x0") = payload[0], second __asm__("x1") = payload[1];
    register uintptr_t to __asm__("x9") = handler, down __asm__("x10") = stack, own __asm__("x11") = frame;
    __asm__ volatile("mov sp, %1\n\tmov x29, %2\n\tbr %0" ::"r"(to), "r"(down), "r"(own), "r"(first),
                     "r"(second));
#else
    register intptr_t first __asm__("r6") = payload[0], second __asm__("r7") = payload[1];
    register uintptr_t to __asm__("r1") = handler, down __asm__("r2") = stack, own __asm__("r3") = frame;
    __asm__ volatile("lgr %%r15, %1\n\tlgr %%r11, %2\n\tbr %0" ::"a"(to), "d"(down), "d"(own), "d"(first),
                     "d"(second));
#endif
    __builtin_unreachable();
}

/* Goes on at the handler for what is thrown, if the frame's call has one. */
static _Unwind_Reason_Code visit_frame(struct _Unwind_Context *context, void *data) {
#if defined __x86_64__
    enum { FRAME_POINTER = 6, SAVE_AREA = 0 };
#elif defined __aarch64__
    enum { FRAME_POINTER = 29, SAVE_AREA = 0 };
#else
    enum { FRAME_POINTER = 11, SAVE_AREA = 160 };
#endif
    /* The canonical address of the called frame, above the area in which the callee may save registers. */
    uintptr_t stack = _Unwind_GetCFA(context) - SAVE_AREA;
    uintptr_t frame = _Unwind_GetGR(context, FRAME_POINTER);
    const struct thrown *thrown = data;
    uintptr_t pc = _Unwind_GetIP(context) - thrown->base;
    for (const unsigned char *at = thrown->table; at < thrown->end;) {
        uint64_t function;
        uint32_t head[2];
        memcpy(&function, at, sizeof function);
        memcpy(head, at + 8, sizeof head);
        for (uint32_t i = 0; i < head[0]; i++) {
            uint32_t words[4];
            memcpy(words, at + 16 + 16 * (size_t)i, sizeof words);
            int takes = words[3] == 1 || (words[3] == 0 && words[2] == thrown->tag);
            if (function + words[0] == pc && takes)
                enter(thrown->base + function + words[1], stack, frame, thrown->payload);
        }
        at += 16 + 16 * (size_t)head[0];
    }
    return _URC_NO_REASON;
}

/* Throws, as Cranelift's tests expect it of the runner. The frames are found by the unwinder, not by the
 * frame pointers that are passed. */
void __cranelift_throw(uintptr_t entry, uintptr_t exit, uintptr_t pc, uint32_t tag, intptr_t a, intptr_t b) {
    (void)entry, (void)exit, (void)pc;
    struct thrown thrown = {.tag = tag, .payload = {a, b}};
    thrown.table = section(".clifc.exceptions", &thrown.end);
    dl_iterate_phdr(note_base, &thrown.base);
    if (thrown.table) _Unwind_Backtrace(visit_frame, &thrown);
    abort(); /* nothing handles it */
}

static struct test *running;

/* Notes the trap code. The signal's default action follows, when the instruction is executed again. */
static void on_signal(int number, siginfo_t *info, void *context) {
    const ucontext_t *machine = context;
    (void)info, (void)number;
#if defined __x86_64__
    uintptr_t pc = machine->uc_mcontext.gregs[REG_RIP];
#elif defined __aarch64__
    uintptr_t pc = machine->uc_mcontext.pc;
#else
    /* The program counter is past an instruction that did not access memory. */
    int is_past = number == SIGILL || number == SIGFPE || number == SIGTRAP;
    uintptr_t pc = is_past ? (uintptr_t)info->si_addr : machine->uc_mcontext.psw.addr;
#endif
    *running->trap = trap_code(pc);
    raise(number);
}

static void watch_signals(void) {
    static const int numbers[] = {SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGBUS};
    static unsigned char stack[1 << 16];
    stack_t place = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&place, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

static void run_group(struct test *tests, unsigned count) {
    volatile unsigned *current = shared(sizeof *current);
    for (*current = 0; *current < count; ++*current) {
        fflush(stdout);
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            watch_signals();
            for (; *current < count; ++*current) {
                struct test *test = &tests[*current];
                running = test;
                alarm(SECONDS);
                functions[test->function](test->memory);
            }
            _exit(0);
        }
        int status;
        while (waitpid(child, &status, 0) < 0) {}
        if (*current < count) tests[*current].status = status ? status : -1;
    }
    for (unsigned i = 0; i < count; i++) {
        struct test *test = &tests[i];
        int status = test->status;
        if (status == 0) {
            printf("ok ");
            for (unsigned at = 0; at < test->size; at++) printf("%02x", test->memory[at]);
            printf("\n");
        } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
            printf("timeout\n");
        } else {
            printf("signal %d %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0, *test->trap);
        }
    }
}

int main(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    struct test *tests = NULL;
    unsigned count = 0, room = 0;
    char *line = NULL;
    size_t line_room = 0;
    while (getline(&line, &line_room, stdin) > 0) {
        if (line[0] == 'g') {
            run_group(tests, count);
            count = 0;
            continue;
        }
        if (count == room) {
            room = room ? 2 * room : 64;
            tests = realloc(tests, room * sizeof *tests);
            if (!tests) die("realloc");
        }
        struct test *test = &tests[count++];
        int at = 0;
        if (sscanf(line, "%u %u %n", &test->function, &test->size, &at) != 2 || test->function >= FUNCTIONS)
            die("input");
        test->memory = shared(test->size);
        test->trap = shared(sizeof *test->trap);
        test->status = 0;
        unsigned char *to = test->memory;
        for (const char *digit = line + at; *digit > ' '; digit += 2) {
            *to++ = nibble(digit[0]) << 4 | nibble(digit[1]);
        }
    }
    run_group(tests, count);
    return 0;
}
