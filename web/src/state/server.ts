/* Is the server there, and which models does it serve?  Asks again while it is not. */
import { computed, signal } from '@preact/signals';
import { ApiError } from '../api/base';
import { listModels, type Model } from '../api/models';
import { settings } from './settings';

export type Reach = 'unknown' | 'up' | 'loading' | 'down';

export const reach = signal<Reach>('unknown');
export const models = signal<Model[]>([]);

/** The chosen model, or the server's first. */
export const model = computed<Model | undefined>(
  () => models.value.find((m) => m.id === settings.value.model) ?? models.value[0],
);

const FIRST_MS = 500;
const LONGEST_MS = 8000;
let timer = 0;

async function ask(delay: number): Promise<void> {
  clearTimeout(timer);
  try {
    models.value = await listModels();
    reach.value = 'up';
  } catch (e) {
    if (e instanceof ApiError && e.status !== 0 && e.status !== 503 && e.status !== 502) {
      reach.value = 'up'; // it speaks; what it refuses is another page's business
      return;
    }
    reach.value = e instanceof ApiError && e.status === 503 ? 'loading' : 'down';
    timer = window.setTimeout(() => void ask(Math.min(delay * 2, LONGEST_MS)), delay);
  }
}

export async function refreshModels(): Promise<void> {
  models.value = await listModels().catch(() => models.value);
}

export function watchServer(): void {
  void ask(FIRST_MS);
  window.addEventListener('online', () => void ask(FIRST_MS));
}

/** A request found nobody: say so, and ask until somebody is there. */
export function serverIsGone(): void {
  if (reach.value === 'down') return;
  reach.value = 'down';
  timer = window.setTimeout(() => void ask(FIRST_MS), FIRST_MS);
}
