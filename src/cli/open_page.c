/* open_page.c - see open_page.h. */
#include "cli/open_page.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static int pipe_end = -1;

static bool has_desktop(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x && *x) || (wayland && *wayland);
}

bool ts_open_page_prepare(void)
{
    /* Twice detached: the browser is nobody's child here, and says nothing here. */
    static char sh[] = "sh", dash_c[] = "-c";
    static char script[] =
        "read -r url || exit 0; for open in xdg-open gio\\ open sensible-browser; do "
        "command -v ${open%% *} && exec setsid $open \"$url\"; done";
    char *const argv[] = {sh, dash_c, script, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t child;

    if (!has_desktop() || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const bool is_good = posix_spawnp(&child, "sh", &actions, NULL, argv, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[0]);
    if (is_good)
        pipe_end = ends[1];
    else
        (void)close(ends[1]);
    return is_good;
}

void ts_open_page_show(const char *url)
{
    if (pipe_end < 0)
        return;
    (void)(write(pipe_end, url, strlen(url)) >= 0 && write(pipe_end, "\n", 1) == 1);
    (void)close(pipe_end);
    pipe_end = -1;
}
