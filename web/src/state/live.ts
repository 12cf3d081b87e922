/* An answer while it arrives.  Text is gathered and shown once per frame, however fast
 * it comes; where drawing it takes long, as on a phone, twice that time is left to scrolling
 * and typing before it is drawn again. */
import { signal, type Signal } from '@preact/signals';

const LONG_FRAME_MS = 25;
const REST = 2; // times what the last one took
const LONGEST_REST_MS = 250;

export class Live {
  readonly reasoning = signal('');
  readonly content = signal('');
  readonly thinkingMs = signal<number | null>(null); // known when the answer began
  readonly started = performance.now();
  readonly abort = new AbortController();
  isStopped = false; // by the user
  remoteId = ''; // what the server calls the answer
  nTokens = 0;
  firstToken: number | null = null;
  private moreReasoning = '';
  private moreContent = '';
  private isWaiting = false;
  private costMs = 0; // of the last frame with new text

  constructor(
    readonly chatId: string,
    readonly messageId: string,
  ) {}

  addReasoning(text: string): void {
    this.count();
    this.moreReasoning += text;
    this.schedule();
  }

  addContent(text: string): void {
    this.count();
    if (this.thinkingMs.value === null) this.thinkingMs.value = performance.now() - this.started;
    this.moreContent += text;
    this.schedule();
  }

  /** There is this much already: continued, or joined late. */
  restart(reasoning: string, content: string): void {
    this.reasoning.value = reasoning;
    this.content.value = content;
    this.moreReasoning = this.moreContent = '';
    if (content !== '') this.thinkingMs.value ??= 0;
  }

  /** What has arrived becomes visible. */
  flush(): void {
    this.isWaiting = false;
    if (this.moreReasoning !== '') this.reasoning.value += this.moreReasoning;
    if (this.moreContent !== '') this.content.value += this.moreContent;
    this.moreReasoning = this.moreContent = '';
  }

  private count(): void {
    this.nTokens++;
    this.firstToken ??= performance.now();
  }

  private schedule(): void {
    if (this.isWaiting) return;
    if (this.nTokens === 1) {
      this.flush(); // the first one is waited for: no frame later than it must be
      return;
    }
    this.isWaiting = true;
    if (document.hidden) setTimeout(() => { this.flush(); }, 100);
    else if (this.costMs > LONG_FRAME_MS) setTimeout(() => { this.flushInFrame(); }, Math.min(REST * this.costMs, LONGEST_REST_MS));
    else this.flushInFrame();
  }

  private flushInFrame(): void {
    requestAnimationFrame(() => {
      const begun = performance.now();
      this.flush();
      requestAnimationFrame(() => { this.costMs = performance.now() - begun; });
    });
  }
}

/** By conversation. */
export const lives: Signal<Readonly<Record<string, Live>>> = signal({});

export function startLive(live: Live): void {
  lives.value = { ...lives.value, [live.chatId]: live };
}

export function endLive(live: Live): void {
  const { [live.chatId]: gone, ...rest } = lives.value;
  if (gone === live) lives.value = rest;
}
