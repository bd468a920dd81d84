#include <stdio.h>

int u0_1(void);
int renamed(void);
int call_replaced(void);
int weak_imports(void);
int other_file(void);
int same_address(void);

int replaced_value = 40000;
int present;

int replaced(void) { return 300; }
__attribute__((visibility("hidden"))) int near(void) { return 5000; }

int main(void) {
    printf("%d\n", u0_1());
    printf("%d\n", renamed());
    printf("%d\n", call_replaced());
    printf("%d\n", weak_imports());
    printf("%d\n", other_file());
    printf("%d\n", same_address());
    return 0;
}
