#include <stdint.h>
#include <stdio.h>

int64_t copies(void *to, const void *from);
int64_t named(void), count(void), threads(void), absent_address(void), other(void);
int64_t sum(int64_t, ...), weak_too(int64_t);
void *entry_of_table(int64_t);
extern int64_t *exported;

int64_t weak_one(int64_t x) {
    return x + 2000;
}

int main(void) {
    int64_t from = 40, to = 0;
    long copied = copies(&to, &from);
    printf("copies %ld %ld\n", copied, (long)to);
    printf("named %ld\n", (long)named());
    printf("count %ld", (long)count());
    long counted = count();
    printf(" %ld %ld\n", counted, (long)*exported);
    printf("threads %ld", (long)threads());
    printf(" %ld\n", (long)threads());
    for (int i = 0; i < 6; i++) {
        if (i == 3) {
            printf("table %d %d\n", i, entry_of_table(i) == (void *)named);
            continue;
        }
        int64_t (*function)(int64_t) = (int64_t (*)(int64_t))entry_of_table(i);
        printf("table %d %ld\n", i, (long)function(10));
    }
    printf("text %s\n", (char *)entry_of_table(6));
    printf("sum %ld, weak %ld, absent %ld\n", (long)sum(1, (int64_t)2, (int64_t)3), (long)weak_too(1),
           (long)absent_address());
    printf("other %ld\n", (long)other());
    return 0;
}
