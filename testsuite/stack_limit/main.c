#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <unwind.h>

long deep(long, long *);
long huge(long, long *);
int main(void);

static sigjmp_buf back;
static volatile int frames, main_seen;

static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *data) {
    (void)data;
    frames++;
    if (_Unwind_FindEnclosingFunction((void *)_Unwind_GetIP(context)) == (void *)main) main_seen = 1;
    return _URC_NO_REASON;
}

static void trapped(int signal, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    frames = main_seen = 0;
    _Unwind_Backtrace(count_frame, NULL);
    siglongjmp(back, signal);
}

static void try(long function(long, long *), long limit) {
    if (sigsetjmp(back, 1)) {
        printf("%s, main %s\n", frames > 1000 ? "many frames" : "few frames", main_seen ? "seen" : "lost");
        return;
    }
    printf("returned %ld\n", function(1, &limit));
}

int main(void) {
    static char stack[1 << 16];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    long base = (long)__builtin_frame_address(0);
    sigaltstack(&other, NULL);
    sigaction(SIGILL, &action, NULL);
    try(deep, base - 800000);
    try(huge, base - 200000);
    try(huge, base + 100);
    try(huge, -8);
    try(huge, base - 900000);
    return 0;
}
