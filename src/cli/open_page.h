/* open_page.h - show the assistant in the desktop's browser.
 *
 * The program that does it is started before the server forbids itself to start any
 * (its children would inherit that), and waits for the address on a pipe. */
#ifndef TS_CLI_OPEN_PAGE_H
#define TS_CLI_OPEN_PAGE_H

#include <stdbool.h>

/* False: no desktop, or nothing that opens pages.  Then ts_open_page_show does nothing. */
bool ts_open_page_prepare(void);
void ts_open_page_show(const char *url);

#endif
