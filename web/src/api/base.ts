/* Every request of the app leaves through here, and only to where the page came from. */

/** The address of a path of this server, also when the page lies below a prefix. */
export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server was not reached
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface ErrorBody {
  error?: { message?: string; code?: string | null } | string;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as ErrorBody;
    if (typeof error === 'object')
      return new ApiError(response.status, error.code ?? '', error.message ?? '');
  } catch {
    // not JSON: said as it is
  }
  return new ApiError(response.status, '', text.slice(0, 300) || `HTTP ${response.status}`);
}

/** The response of a request that went well; throws ApiError otherwise, or AbortError. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path), { ...init, credentials: 'same-origin' });
  } catch (e) {
    if (init.signal?.aborted) throw e;
    throw new ApiError(0, 'unreachable', String(e));
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function requestJson<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await request(path, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
