/* packets.h - what left this machine, as far as a process without privileges can tell.
 *
 * Its own: the TCP segments that were sent on connections whose other end is beyond this
 * machine (the kernel counts them per socket).  There is no other way out of the process:
 * netseal.h.  The machine's: packets that its interfaces sent, but for the loopback, by
 * all programs of this network namespace.  To see this process's packets apart on the wire
 * takes root: a counter of nftables on its cgroup.
 */
#ifndef TS_SERVER_PACKETS_H
#define TS_SERVER_PACKETS_H

#include <stdbool.h>
#include <stdint.h>

/* Is the other end of this connection beyond this machine?  To be asked while it is open. */
bool ts_packets_go_beyond(int fd);

/* Segments sent on this socket so far; 0 if it is no TCP socket. */
uint64_t ts_packets_of(int fd);

/* Of all connections beyond this machine that are open now. */
uint64_t ts_packets_of_open(void);

/* False: the kernel does not say. */
bool ts_packets_of_machine(uint64_t *sent);

/* From the text of /proc/net/dev. */
bool ts_packets_parse(const char *text, uint64_t *sent);

#endif
