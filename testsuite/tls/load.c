#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

__thread int64_t defined_in_c = 1000;

static int64_t (*step)(int64_t);
static pthread_barrier_t loaded;

/* The thread is older than the library whose variables it uses. */
static void *work(void *arg) {
    pthread_barrier_wait(&loaded);
    intptr_t last = 0;
    for (int i = 0; i < 1000; i++)
        last = step((intptr_t)arg);
    return (void *)last;
}

int main(void) {
    pthread_t threads[8];
    pthread_barrier_init(&loaded, 0, 9);
    for (intptr_t i = 0; i < 8; i++)
        pthread_create(&threads[i], 0, work, (void *)i);
    void *library = dlopen("./libtls.so", RTLD_NOW);
    if (!library) {
        puts(dlerror());
        return 1;
    }
    step = (int64_t (*)(int64_t))dlsym(library, "step");
    pthread_barrier_wait(&loaded);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld\n", (long)(intptr_t)result);
    }
    return 0;
}
