#include <stdio.h>

int a(int), b(int), double_(int) __asm__("double"), is_started(void);
extern const int distances[2];
int answer(void) { return 1000; }

int main(void) {
    const char *base = (const char *)distances;
    int (*twice)(int) = (int (*)(int))(base + distances[0]);
    int first = a(1), second = b(1), third = a(2);
    printf("%d %d %d\n", first, second, third);
    printf("%d %d %s %d\n", twice(21), double_(4), base + distances[1], is_started());
    return 0;
}
