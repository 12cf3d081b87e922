/* personal_parts.h - what is a user's, read for a page and for an export.
 *
 * New references; NULL: the error says why.
 */
#ifndef TS_SERVER_PERSONAL_PARTS_H
#define TS_SERVER_PERSONAL_PARTS_H

#include "server/app/app.h"

json_t *ts_me_prices(void); /* of the cloud's API that the page compares with */
json_t *ts_me_read_settings(ts_work *w);
json_t *ts_me_read_presets(ts_work *w);
json_t *ts_me_read_sessions(ts_work *w);
json_t *ts_me_read_usage(ts_app *app, int64_t key_id, int64_t n_days, tiefsee_error *err);

#endif
