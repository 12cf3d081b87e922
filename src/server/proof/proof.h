/* proof.h - what the process forbids itself and counts, for commands. */
#ifndef TS_SERVER_PROOF_H
#define TS_SERVER_PROOF_H

#include "server/proof/fileseal.h"
#include "server/proof/netseal.h"
#include "server/proof/packets.h"

#endif
