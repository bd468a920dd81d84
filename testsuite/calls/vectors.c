/* Vectors among integers and floats, more than there are registers, to CLIF and back. */
#include <stdio.h>
typedef int v4si __attribute__((vector_size(16)));
typedef float v4sf __attribute__((vector_size(16)));
v4si clif_sum(v4si a, long b, double c, v4si d, v4sf e, v4si f, v4si g,
    v4si h, v4si i, v4si j, long k, v4si l, v4si m, double n);
v4si c_sum(v4si a, long b, double c, v4si d, v4sf e, v4si f, v4si g,
    v4si h, v4si i, v4si j, long k, v4si l, v4si m, double n) {
    v4si r = a + 2*d + 3*f + 4*g + 5*h + 6*i + 7*j + 8*l + 9*m;
    r[0] += b; r[1] += (int)c; r[2] += k; r[3] += (int)(n + e[2]);
    return r;
}
int main(void) {
#define V(x) ((v4si){x, x*10, x*100, x*1000})
    v4sf e = {1, 2, 3, 4};
    v4si r = clif_sum(V(1), 20000, 3.0, V(4), e, V(5), V(6), V(7), V(8), V(9), 50000, V(11), V(12), 400000.0);
    v4si w = V(1) + c_sum(
        V(12), 50000, 400000.0, V(4), e, V(11), V(9), V(8), V(7), V(6), 20000, V(5), V(1), 3.0);
    for (int i = 0; i < 4; i++) printf("%d %d\n", r[i], w[i]);
    return 0;
}
