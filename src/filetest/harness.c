/* Runs the cases of run tests.
 *
 * Input on stdin, one line each:
 *   <function> <total size> <arguments, as hex digits>
 *   group              ends the cases of a test
 * Output on stdout, one line for each case in the same order:
 *   ok <memory after the call, as hex digits>
 *   signal <number>
 *   timeout
 *
 * The function is passed the address of memory that begins with the arguments. The cases of a test run in
 * a child process; when a case kills it, the next case gets a new one. The table functions[] and its length
 * FUNCTIONS are defined before this text. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 10 };

struct test {
    unsigned function, size;
    unsigned char *memory; /* shared with the children */
    int status;
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

static void run_group(struct test *tests, unsigned count) {
    volatile unsigned *current = shared(sizeof *current);
    for (*current = 0; *current < count; ++*current) {
        fflush(stdout);
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            for (; *current < count; ++*current) {
                struct test *test = &tests[*current];
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
            printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
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
        test->status = 0;
        unsigned char *to = test->memory;
        for (const char *digit = line + at; *digit > ' '; digit += 2) {
            *to++ = nibble(digit[0]) << 4 | nibble(digit[1]);
        }
    }
    run_group(tests, count);
    return 0;
}
