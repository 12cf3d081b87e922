/* fault.c - see fault.h. */
#include "cli/fault.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Only what is safe in a signal handler. */
static void on_bus_error(int signal_number)
{
    static const char text[] =
        "tiefsee: a file was cut or its disk failed while it was read (SIGBUS)\n";

    (void)signal_number;
    const ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(TS_EXIT_NO_MODEL);
}

void ts_fault_install(void)
{
    struct sigaction action = {.sa_handler = on_bus_error};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
}
