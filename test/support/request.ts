export interface Answer {
  readonly status: number;
  /** The problem's code, when the body is one. */
  readonly code: string | undefined;
  readonly headers: Headers;
  readonly body: string;
}

/** One HTTP request by fetch; problem+json taken apart. */
export async function request(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000), ...init });
  const body = await response.text();
  const isProblem =
    body !== '' && response.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const problem: unknown = isProblem ? JSON.parse(body) : undefined;
  const code =
    typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : undefined;
  return { status: response.status, code, headers: response.headers, body };
}
