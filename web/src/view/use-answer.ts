/* What the server tells, for a view that shows it. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { app } from '../api/app';
import { ApiError } from '../api/base';
import { notify } from '../state/notices';

/** null until it is there, and where the server does not tell. */
export function useAnswer<T>(path: string): [T | null, () => void] {
  const [answer, setAnswer] = useState<T | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isHere = true;
    app<T>('GET', path).then(
      (got) => { if (isHere) setAnswer(() => got); },
      () => undefined,
    );
    return () => { isHere = false; };
  }, [path, turn]);
  const again = useCallback(() => { setTurn((n) => n + 1); }, []);
  return [answer, again];
}

export function tell(e: unknown): void {
  notify(e instanceof ApiError ? e.message : String(e), true);
}

/** Texts of a form's fields by their names. */
export function textsOf(form: HTMLFormElement): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of new FormData(form)) if (typeof value === 'string') texts[name] = value;
  return texts;
}
