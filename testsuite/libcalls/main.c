// Calls every routine of libraries by way of clifc's code.
#include <stdio.h>
#include <string.h>

typedef __int128 wide;
typedef unsigned __int128 uwide;
#ifdef __x86_64__
typedef __float128 quad;
#else
typedef long double quad;
#endif

float ceil_f32(float), floor_f32(float), trunc_f32(float), nearest_f32(float), fma_f32(float, float, float);
double ceil_f64(double), floor_f64(double), trunc_f64(double), nearest_f64(double);
double fma_f64(double, double, double);
void *copy(void *, const void *, size_t), *move(void *, const void *, size_t), *set(void *, int, size_t);
int compare(const void *, const void *, size_t);
wide sdiv(wide, wide), srem(wide, wide), from_f32(float), from_f64(double);
uwide udiv(uwide, uwide), urem(uwide, uwide), ufrom_f32(float), ufrom_f64(double);
float to_f32(wide), uto_f32(uwide);
double to_f64(wide), uto_f64(uwide);
long large_frame(long), thread_variable(long);
struct operands { quad a, b; long word, unused, both[2]; };
void quads(const struct operands *, double *);

// Preserves all registers, as is expected of it.
__asm__(".globl __cranelift_probestack\n__cranelift_probestack:\n"
#if defined __x86_64__
        "ret\n"
#elif defined __aarch64__
        "ret\n"
#elif defined __s390x__
        "br %r14\n"
#endif
);

static void show(uwide value) {
    printf("%016llx%016llx\n", (unsigned long long)(value >> 64), (unsigned long long)value);
}

int main(void) {
    printf("%g %g %g %g %g\n", ceil_f32(-2.5f), floor_f32(-2.5f), trunc_f32(-2.5f), nearest_f32(-2.5f),
           fma_f32(3, 4, 0.5f));
    printf("%g %g %g %g %g\n", ceil_f64(2.5), floor_f64(2.5), trunc_f64(2.5), nearest_f64(3.5),
           fma_f64(3, 4, 0.25));
    char text[32] = "abcdefgh";
    copy(text + 10, "copied", 7);
    move(text + 1, text, 8);
    set(text + 2, '*' | 0x100, 3);
    printf("%s %s\n", text, text + 10);
    printf("%d %d %d\n", compare("same", "same", 4), compare("a", "b", 1) < 0, compare("b", "\xff", 1) < 0);
    uwide big = (uwide)0xfedcba9876543210 << 64 | 0x0123456789abcdef, divisor = (uwide)3 << 64 | 5;
    show(udiv(big, divisor));
    show(urem(big, divisor));
    show(sdiv(big, divisor));
    show(srem(big, divisor));
    printf("%g %g %g %g\n", to_f32(big), uto_f32(big), to_f64(big), uto_f64(big));
    show(from_f32(-1e30f));
    show(from_f64(-1e30));
    show(ufrom_f32(3e38f));
    show(ufrom_f64(3e38));
    printf("%ld %ld\n", large_frame(4), thread_variable(5));
    const struct operands operands = {-2.5, 6.25, -3, 0, {-2, -2}};
    double results[27];
    quads(&operands, results);
    for (int i = 0; i < 27; i++) printf("%.10g%c", results[i], i % 8 == 7 || i == 26 ? '\n' : ' ');
    return 0;
}
