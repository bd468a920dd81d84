void touch(int *cell);
void touch(int *cell) { __asm__ volatile("" : : "r"(cell) : "memory"); }
