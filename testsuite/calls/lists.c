// Passes lists of arguments to CLIF, and takes them from it.
#include <stdarg.h>
#include <stdio.h>

int log(const char *format, ...);
double weigh(va_list list);

static double weigh_behind(int skipped, ...) {
    va_list list;
    va_start(list, skipped);
    while (skipped-- > 0) {
        va_arg(list, long);
        va_arg(list, double);
    }
    double sum = weigh(list);
    va_end(list);
    return sum;
}

int main(void) {
    // A long double is in a whole vector register on aarch64.
    log("%s %d %.2f %ld %c %.3Lf\n", "text", -7, 2.25, 1L << 40, 'x', 1.125L);
    log("%d %d %d %d %d %d %d %d %d %d\n", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    log("%g %g %g %g %g %g %g %g %g %g %Lg\n", .5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5L);
    __int128 wide = 1000;
    log("%g\n", weigh_behind(0, 2, 3.5, 4L, 0.25, wide));
    log("%g\n", weigh_behind(3, 0L, 0., 0L, 0., 0L, 0., 2, 3.5, 4L, 0.25, wide));
    log("%g\n", weigh_behind(9, 0L, 0., 0L, 0., 0L, 0., 0L, 0., 0L, 0., 0L, 0., 0L, 0., 0L, 0., 0L, 0., 2, 3.5, 4L,
                            0.25, wide));
    return 0;
}
