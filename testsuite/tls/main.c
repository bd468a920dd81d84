#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

extern __thread int64_t total;
extern __thread int64_t seen[8];
__thread int64_t defined_in_c = 1000;

int64_t step(int64_t);
int64_t *address_of_mine(void);

static void *work(void *arg) {
    intptr_t n = (intptr_t)arg;
    int64_t last = 0;
    for (int i = 0; i < 1000; i++)
        last = step(n);
    if (total != 100 + 1000 * n || seen[7] != 1000 || defined_in_c != last)
        printf("thread %ld: %ld %ld\n", (long)n, (long)total, (long)seen[7]);
    return (void *)(intptr_t)last;
}

int main(void) {
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++)
        pthread_create(&threads[i], 0, work, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld\n", (long)(intptr_t)result);
    }
    long last = step(5);
    printf("%ld %ld %ld\n", last, (long)total, (long)*address_of_mine());
    return 0;
}
