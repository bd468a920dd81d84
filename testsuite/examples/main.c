#include <stdint.h>
#include <stdio.h>

int64_t sum_of_squares(int64_t);
int32_t largest(const int32_t *, int64_t);
int64_t count(void);
extern int32_t calls;

int main(void) {
    const int32_t numbers[] = {-5, -2, -9};
    printf("%ld\n", (long)sum_of_squares(10));
    printf("%d\n", largest(numbers, 3));
    printf("%d\n", largest(numbers, 0));
    printf("%d calls\n", calls);
    count();
    printf("%ld\n", (long)count());
}
