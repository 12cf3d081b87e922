/* main.c - the program's entry. */
#include <stdio.h>

#include "tiefsee/tiefsee.h"

int main(void)
{
    (void)printf("tiefsee %s\n", tiefsee_version());
    return 0;
}
