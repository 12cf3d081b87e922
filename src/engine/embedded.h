/* embedded.h - the model inside the library, if the build has one. */
#ifndef TS_ENGINE_EMBEDDED_H
#define TS_ENGINE_EMBEDDED_H

#include <stddef.h>

const void *ts_embedded_model(void);
size_t ts_embedded_size(void); /* 0: none */

#endif
