// Calls every function of the library: linked with it, or with LOAD, loading it when it runs.
#include <stdio.h>
#include <stdlib.h>

#define FUNCTIONS(X)                                                                                           \
    X(calls_interposed) X(tail_calls_interposed) X(calls_hidden) X(reads_program) X(reads_own) X(reads_own)    \
    X(same_address) X(through_table) X(absent_is_null) X(switches) X(divides)

long program_data[2] = {1, 77};

long interposed(long n) { return 1000 + n; }

#ifdef LOAD
#include <dlfcn.h>

static void *library;

static long call(const char *name) {
    long (*function)(long) = (long (*)(long))dlsym(library, name);
    if (!function) exit(2);
    return function(7);
}
#define SHOW(name) printf("%s %ld\n", #name, call(#name));
#else
#define DECLARE(name) long name(long);
FUNCTIONS(DECLARE)
#define SHOW(name) printf("%s %ld\n", #name, name(7));
#endif

int main(void) {
#ifdef LOAD
    library = dlopen("./libshared.so", RTLD_NOW);
    if (!library) {
        puts(dlerror());
        return 1;
    }
#endif
    FUNCTIONS(SHOW)
    return 0;
}
