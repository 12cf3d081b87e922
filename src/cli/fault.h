/* fault.h - a model file that shrinks while it is mapped. */
#ifndef TS_CLI_FAULT_H
#define TS_CLI_FAULT_H

/* From now on a read behind the new end of a mapped file ends the program with one
 * line and exit code 3, not with a signal. */
void ts_fault_install(void);

#endif
