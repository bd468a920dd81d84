/* Compiles a text in memory in several threads at once, and writes the object to the file that is named:
 * compile OUTPUT < INPUT. With errors, prints them and exits with 1. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clifc.h"

enum { THREADS = 4 };

static char source[1 << 20];
static size_t length;
static const clifc_options *options;

static void *compile(void *unused) {
    (void)unused;
    return clifc_compile(options, "stdin.clif", source, length);
}

static int report(const clifc_result *result) {
    for (size_t i = 0; i < clifc_result_message_count(result); i++) {
        const clifc_message *message = clifc_result_message(result, i);
        const char *kind = message->severity == CLIFC_WARNING ? "warning" : "error";
        fprintf(stderr, "%zu:%zu: %s: %s\n", message->line, message->column, kind, message->text);
    }
    return clifc_result_ok(result) ? 0 : 1;
}

int main(int argc, char **argv) {
    clifc_options *own = clifc_options_new(NULL);
    const char *wrong = clifc_options_set(own, "opt_level", "speed");
    if (argc != 2 || own == NULL || wrong != NULL) {
        fprintf(stderr, "usage: compile OUTPUT < INPUT\n");
        return 2;
    }
    options = own;
    length = fread(source, 1, sizeof source, stdin);
    pthread_t threads[THREADS];
    void *results[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, compile, NULL) != 0)
            return 3;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], &results[i]);
    int code = report(results[0]);
    size_t size;
    const uint8_t *object = clifc_result_object(results[0], &size);
    for (int i = 1; i < THREADS; i++) {
        size_t other_size;
        const uint8_t *other = clifc_result_object(results[i], &other_size);
        if (other_size != size || (size > 0 && memcmp(object, other, size) != 0))
            return 4;
    }
    if (code == 0) {
        FILE *out = fopen(argv[1], "wb");
        if (out == NULL || fwrite(object, 1, size, out) != size || fclose(out) != 0)
            return 5;
    }
    for (int i = 0; i < THREADS; i++)
        clifc_result_free(results[i]);
    clifc_options_free(own);
    return code;
}
