/* version.c - which library this is. */
#include "version.h"
#include "tiefsee/tiefsee.h"

const char *tiefsee_version(void)
{
    return TIEFSEE_VERSION;
}
