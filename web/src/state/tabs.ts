/* Windows of this browser tell each other which chat they have changed: its id, nothing
 * that was said. */

const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`tiefsee ${document.baseURI.split('#', 1)[0] ?? ''}`) : null;

export function tellOthers(chatId: string): void {
  channel?.postMessage(chatId);
}

/** Calls back for a chat that changed elsewhere, and with null when the window is seen again: then
 * anything may have. */
export function listenToOthers(onChange: (chatId: string | null) => void): void {
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') onChange(data);
  });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) onChange(null);
  });
}
