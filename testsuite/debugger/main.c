#include <stdint.h>

int64_t outer(int64_t, int64_t);

int64_t stop_here(int64_t n) { return n + 1; }

int main(void) { return outer(3, 4) != 18; }
