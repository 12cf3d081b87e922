/* seal.h - a command that needs nobody gives up what it does not need. */
#ifndef TS_CLI_SEAL_H
#define TS_CLI_SEAL_H

/* From here on: no socket, no program, no process, only system calls that are on a list
 * (server/proof/callfilter.h).  Where that cannot be, a line on stderr says why; not in
 * builds with sanitizers.  Before threads or behind them. */
void ts_cli_seal(void);

#endif
