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

/* The trap code of the instruction at `pc`; 0 if it has none or if it can't be found out. */
static int trap_code(uintptr_t pc) {
    struct stat info;
    int file = open("/proc/self/exe", O_RDONLY);
    if (file < 0 || fstat(file, &info) < 0) return 0;
    const unsigned char *bytes = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) return 0;
    const Elf64_Ehdr *header = (const void *)bytes;
    const Elf64_Shdr *sections = (const void *)(bytes + header->e_shoff);
    const char *names = (const char *)bytes + sections[header->e_shstrndx].sh_offset;
    uintptr_t base = 0;
    dl_iterate_phdr(note_base, &base);
    int code = 0;
    for (int i = 0; i < header->e_shnum && !code; i++) {
        if (strcmp(names + sections[i].sh_name, ".clifc.traps") != 0) continue;
        const unsigned char *start = bytes + sections[i].sh_offset;
        code = code_in(start, start + sections[i].sh_size, pc - base);
    }
    return code;
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
