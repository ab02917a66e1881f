/** An event as it is printed. */
export interface PrintedEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

/**
 * One line for people, `grep` and `cut`: id, type and data, separated by tabs. A line feed in the data is shown as `\n`
 * and every other control character as `\u001b` and the like, so that an event cannot drive the terminal; a tab in
 * the data stays. Nothing else is escaped, so it reads well but cannot be read back exactly: `renderJson` can.
 */
export function renderText({ id, type, data }: PrintedEvent): string {
  return `${column(id ?? '-')}\t${column(type)}\t${visible(data)}\n`;
}

/** One JSON object a line, for programs; `data` is always a string, and exactly what was published. */
export function renderJson({ id, type, data }: PrintedEvent): string {
  const json = JSON.stringify({ id: id ?? null, event: type, data });
  // JSON leaves C1 controls alone, terminals do not.
  return `${json.replace(/[\u007f-\u009f]/g, escapeControl)}\n`;
}

/** Text without control characters other than the tab. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll('\n', '\\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, escapeControl);
}

function column(text: string): string {
  return visible(text).replaceAll('\t', '\\t');
}

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
