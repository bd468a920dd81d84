// The other half of exceptions.clif.
#include <cstdio>

extern "C" {
int caught(int);
int throws_if_odd(int number) {
    if (number % 2)
        throw number;
    return number / 2;
}
void close(int number) { std::printf("closed %d\n", number); }
}

int main() {
    std::printf("%d\n", caught(6));
    std::printf("%d\n", caught(7));
}
