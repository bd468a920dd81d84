int puts(const char *);

void greet(void);
long through_table(void);
long constants(void);
double rounded(double);
long chosen(int);
long linked(void);
long weak_imports(void);
long same_address(void);
long divided(long, long);

long step(long, long, double);

extern long counter[2];
extern _Thread_local long total;
_Thread_local long defined_in_c = 1000;

int replaced_value = 40000;
int present;

long replaced(void) { return 300; }

/* In decimal. What functions with `...` look like is not the same on all systems. */
static void show(long number) {
    char text[24], *at = text + sizeof text;
    *--at = 0;
    do
        *--at = '0' + number % 10;
    while (number /= 10);
    puts(at);
}

int main(void) {
    greet();
    show(counter[0]);
    show(through_table());
    show(constants());
    show(rounded(2.5));
    for (int i = 0; i < 5; i++)
        show(chosen(i));
    show(linked());
    show(weak_imports());
    show(same_address());
    show(divided(1000, 8));
    show(step(5, 6, 2.5));
    show(step(50, 60, 4));
    show(total);
    return 0;
}
