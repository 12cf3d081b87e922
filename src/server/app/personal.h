/* personal.h - handlers of what belongs to one user: settings, presets, usage, rights. */
#ifndef TS_SERVER_PERSONAL_H
#define TS_SERVER_PERSONAL_H

#include "server/http/http.h"

ts_http_handler ts_me_show, ts_me_change, ts_me_settings, ts_me_save_settings, ts_me_usage,
    ts_me_sessions, ts_me_end_session, ts_me_export, ts_me_audit, ts_me_erase, ts_me_presets,
    ts_me_save_preset, ts_me_delete_preset, ts_me_import, ts_me_add_message;

#endif
