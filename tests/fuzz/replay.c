/* replay.c - runs a fuzz target over files and folders instead of under libFuzzer.
 *
 *     replay FILE|FOLDER...
 *
 * Every input is also cut at a few lengths, which costs little and finds reads
 * past the end.  Fails when there was nothing to run at all but a given path.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static size_t n_inputs;

static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = calloc(1, size ? size : 1); /* exact: ASan guards the end */

    if (!exact)
        abort();
    if (size)
        memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    n_inputs++;
}

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;

    if (!f || fstat(fileno(f), &st) != 0 || st.st_size < 0) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        if (f)
            fclose(f);
        return 1;
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + 1);
    if (!data || fread(data, 1, size, f) != size)
        abort();
    fclose(f);
    run(data, size);
    for (size_t cut = size / 2; cut > 0; cut /= 2)
        run(data, cut);
    free(data);
    return 0;
}

static int replay(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "replay: no such file: %s\n", path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);

    struct dirent **entries;
    int failed = 0;
    const int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char file[4096];
        const int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof file)
            failed |= replay(file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    printf("%zu inputs\n", n_inputs);
    return failed;
}
