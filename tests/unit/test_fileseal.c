/* test_fileseal.c - a helper process is given some files and tries others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/proof/fileseal.h"
#include "server/proof/packets.h"
#include "support/scratch.h"

static scratch place;
static ts_fileseal seal;

static void write_file(const char *name)
{
    const int fd = open(scratch_path(&place, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
}

static int set_up(void **state)
{
    static const char *const folders[] = {"models", "blobs", "state", "other"};
    static const char *const files[] = {"models/a.bin",
                                        "blobs/1",
                                        "blobs/2",
                                        "state/db",
                                        "other/secret",
                                        "other/b-00001-of-00002.gguf",
                                        "other/b-00002-of-00002.gguf"};

    (void)state;
    ts_fileseal_begin(&seal);
    if (seal.ruleset < 0)
        return 0;
    scratch_make(&place);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(scratch_path(&place, folders[i]), 0700), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        write_file(files[i]);
    assert_int_equal(symlink("../blobs/1", scratch_path(&place, "models/linked")), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (*place.folder)
        scratch_remove(&place);
    return 0;
}

/* errno of opening it, in the helper; 0: it could. */
static int try(const char *name, int how)
{
    const int fd = open(scratch_path(&place, name), how | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0 ? 0 : errno;
}

static const struct {
    const char *name;
    int how, wanted;
} tries[] = {
    {"models/a.bin", O_RDONLY, 0},
    {"models/linked", O_RDONLY, 0},
    {"models", O_RDONLY | O_DIRECTORY, 0},
    {"models/a.bin", O_WRONLY, EACCES},
    {"models/new", O_WRONLY | O_CREAT, EACCES},
    {"blobs/2", O_RDONLY, EACCES},
    {"other/b-00001-of-00002.gguf", O_RDONLY, 0},
    {"other/b-00002-of-00002.gguf", O_RDONLY, 0},
    {"other/secret", O_RDONLY, EACCES},
    {"other", O_RDONLY | O_DIRECTORY, EACCES},
    {"state/db", O_RDWR, 0},
    {"state/db-wal", O_RDWR | O_CREAT, 0},
    {"state/db", O_WRONLY | O_TRUNC, 0},
    {"outside", O_WRONLY | O_CREAT, EACCES},
    {"state/../other/secret", O_RDONLY, EACCES},
};

/* Number of the first try that went otherwise, or that of the tries. */
static int run_helper(void)
{
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        if (try(tries[i].name, tries[i].how) != tries[i].wanted)
            return (int)i;
    ts_fileseal_try_all(&seal);
    if (seal.n_open > 0 || seal.n_tries < 3)
        return 100;
    if (open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0)
        return 101;
    if (unlink(scratch_path(&place, "state/db-wal")) != 0)
        return 102;
    return rename(scratch_path(&place, "state/db"), scratch_path(&place, "other/db")) == 0 ? 103
                                                                                           : 99;
}

static bool allow_some(void)
{
    ts_fileseal_begin(&seal);
    const bool is_good =
        ts_fileseal_allow_system(&seal) &&
        ts_fileseal_allow_model(&seal, scratch_path(&place, "models")) &&
        ts_fileseal_allow_model(&seal, scratch_path(&place, "other/b-00001-of-00002.gguf")) &&
        ts_fileseal_allow_folder_of(&seal, scratch_path(&place, "state/db"), TS_FILE_WRITE) &&
        ts_fileseal_allow(&seal, scratch_path(&place, "missing"), TS_FILE_WRITE);
    ts_fileseal_lock(&seal);
    return is_good && seal.is_sealed;
}

static void a_helper_opens_what_was_allowed_and_nothing_else(void **state)
{
    int how = 0;

    (void)state;
    if (seal.ruleset < 0) {
        (void)printf("skipped: %s\n", seal.why);
        skip();
    }
    const pid_t helper = fork();
    assert_true(helper >= 0);
    if (helper == 0)
        _exit(allow_some() ? run_helper() : 104);
    assert_int_equal(waitpid(helper, &how, 0), helper);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 99);
    (void)close(seal.ruleset);
}

static void says_why_where_files_stay_open(void **state)
{
    (void)state;
    if (seal.ruleset >= 0)
        skip();
    assert_true(*seal.why);
    ts_fileseal_lock(&seal);
    assert_false(seal.is_sealed);
}

static void packets_beyond_the_loopback_are_added_up(void **state)
{
    static const char head[] = "Inter-|   Receive  |  Transmit\n face |bytes packets\n";
    char text[1024];
    uint64_t sent;

    (void)state;
    (void)snprintf(text, sizeof text, "%s%s", head,
                   "    lo: 1 2 0 0 0 0 0 0 9 99 0 0 0 0 0 0\n"
                   "  eth0: 10 20 0 0 0 0 0 0 30 40 0 0 0 0 0 0\n"
                   "lowlan:10 20 0 0 0 0 0 0 30 2 0 0 0 0 0 0\n");
    assert_true(ts_packets_parse(text, &sent));
    assert_int_equal(sent, 42);
    (void)snprintf(text, sizeof text, "%s  eth0: 10 20 0\n", head);
    assert_false(ts_packets_parse(text, &sent));
    assert_false(ts_packets_parse("", &sent));
    assert_int_equal(ts_packets_of(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_helper_opens_what_was_allowed_and_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(says_why_where_files_stay_open, set_up, tear_down),
        cmocka_unit_test(packets_beyond_the_loopback_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
