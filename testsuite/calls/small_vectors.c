/* Vectors of 64, 32 and 16 bits among integers and floats, more than there are registers, to CLIF and back. */
#include <stdio.h>
typedef short v4hi __attribute__((vector_size(8)));
typedef float v2sf __attribute__((vector_size(8)));
typedef signed char v4qi __attribute__((vector_size(4)));
typedef short v2hi __attribute__((vector_size(4)));
typedef signed char v2qi __attribute__((vector_size(2)));
#define PARAMS(x) v4hi x##a, v4qi x##b, long x##c, v2qi x##d, double x##e, v2sf x##f, v2hi x##g
#define ARGS(x) x##a, x##b, x##c, x##d, x##e, x##f, x##g
#define SUM(x, n) \
    n * (x##a[0] + 2*x##a[1] + 3*x##a[2] + 4*x##a[3] + 5*x##b[0] + 6*x##b[1] + 7*x##b[2] + 8*x##b[3] + 9*x##c \
         + 10*x##d[0] + 11*x##d[1] + 12*(int)x##e + 13*(int)x##f[0] + 14*(int)x##f[1] + 15*x##g[0] + 16*x##g[1])
#define FUNCTION(name, ty) ty name(PARAMS(a), PARAMS(b), PARAMS(c), PARAMS(d))
FUNCTION(clif_64, v4hi); FUNCTION(clif_float, v2sf); FUNCTION(clif_32, v4qi); FUNCTION(clif_16, v2qi);
static int sum(PARAMS(a), PARAMS(b), PARAMS(c), PARAMS(d)) {
    return SUM(a, 1) + SUM(b, 2) + SUM(c, 3) + SUM(d, 4);
}
#define CALL sum(ARGS(a), ARGS(b), ARGS(c), ARGS(d))
FUNCTION(c_64, v4hi) { int s = CALL; return (v4hi){s % 1000, s / 1000, 3, 4}; }
FUNCTION(c_float, v2sf) { int s = CALL; return (v2sf){s, 0.5f}; }
FUNCTION(c_32, v4qi) { int s = CALL; return (v4qi){s % 100, s / 100 % 100, s / 10000, 4}; }
FUNCTION(c_16, v2qi) { int s = CALL; return (v2qi){s % 100, s / 100}; }
int main(void) {
#define V(n) (v4hi){n, n+1, n+2, n+3}, (v4qi){n+4, n+5, n+6, n+7}, n+8, (v2qi){n+9, n+10}, n+11.0, \
    (v2sf){n+12, n+13}, (v2hi){n+14, n+15}
#define ALL V(1), V(2), V(3), V(4)
#define REVERSED V(4), V(3), V(2), V(1)
    v4hi a = clif_64(ALL), wa = c_64(REVERSED);
    v2sf b = clif_float(ALL), wb = c_float(REVERSED);
    v4qi c = clif_32(ALL), wc = c_32(REVERSED);
    v2qi d = clif_16(ALL), wd = c_16(REVERSED);
    for (int i = 0; i < 4; i++) if (a[i] != 2*wa[i] || c[i] != (signed char)(2*wc[i])) printf("lane %d\n", i);
    for (int i = 0; i < 2; i++) if (b[i] != 2*wb[i] || d[i] != (signed char)(2*wd[i])) printf("lane %d\n", i);
    printf("%d %d %d %d\n", a[0] + 1000*a[1], (int)b[0], c[3], d[0] != 0);
    return 0;
}
