/* What the board does for each request: a table, a row a request of protocol.h. */
#ifndef GN_REQUESTS_H
#define GN_REQUESTS_H

#include "device.h"

/* Carries the request out and sends its reply. Only while nothing else waits for the line. */
void gn_answer(struct gn_device *device, const struct gn_frame *request, uint64_t received_micros);

#endif
