/* train_parts.h - what the commands of training share. */
#ifndef TS_CLI_TRAIN_PARTS_H
#define TS_CLI_TRAIN_PARTS_H

/* FOLDER/report.html of a run, as `train report` writes it; the exit code. */
int ts_cli_write_report(const char *folder);

#endif
