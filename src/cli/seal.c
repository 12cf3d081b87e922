/* seal.c - see seal.h. */
#include "cli/seal.h"

#include <stdio.h>

#include "server/proof/proof.h"
#include "server/proof/sanitized.h"

void ts_cli_seal(void)
{
    ts_netseal s;

    if (!ts_netseal_local(&s) && !TS_IS_SANITIZED)
        (void)fprintf(stderr, "tiefsee: this process could call others, no filter: %s\n", s.why);
}
