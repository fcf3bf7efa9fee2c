/* A clock of the machine that jumps a day on and a month back every half second.

   The monotonic clock goes on as it should. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const long JUMPS[] = {0, 86400, -30 * 86400, 365 * 86400};

int clock_gettime(clockid_t clock, struct timespec *result) {
    long failed = syscall(SYS_clock_gettime, clock, result);
    if (failed == 0 && clock == CLOCK_REALTIME) {
        struct timespec steady;
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
        long half_seconds = 2 * steady.tv_sec + (steady.tv_nsec >= 500000000);
        result->tv_sec += JUMPS[half_seconds % 4];
    }
    return (int)failed;
}
