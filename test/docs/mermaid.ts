/** The part of Mermaid's sequence diagrams that the pages use, each line by itself. */
const SEQUENCE: readonly RegExp[] = [
  /^(participant|actor) \w+( as .+)?$/,
  /^\w+(->>|-->>|-x|--x|-\)|--\))[+-]?\w+: .+$/,
  /^Note (over \w+(,\w+)?|(left|right) of \w+): .+$/,
  /^(alt|opt|loop|par|critical|break) .+$/,
  /^(else|and|option)( .+)?$/,
  /^end$/,
  /^autonumber$/,
];
const STATE: readonly RegExp[] = [
  /^direction (LR|TB)$/,
  /^(\[\*\]|\w+) --> (\[\*\]|\w+)(: .+)?$/,
  /^state ".+" as \w+$/,
  /^\w+: .+$/,
];
const FORMS: Readonly<Record<string, readonly RegExp[]>> = {
  sequenceDiagram: SEQUENCE,
  'stateDiagram-v2': STATE,
};
/** Ends a statement, so that what follows it in a text would be read as the next one. */
const STATEMENT_END = /;|#(?!\w+;)/;

/** Lines that no forge would draw; one that it can't read spoils the whole diagram. */
export function mermaidFaults(text: string): readonly string[] {
  const [kind = '', ...lines] = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('%%'));
  const forms = FORMS[kind];
  if (forms === undefined) return [`"${kind}" is no diagram that the test knows`];
  const unknown = lines.filter((line) => STATEMENT_END.test(line) || !forms.some((form) => form.test(line)));
  const depth = lines.reduce(
    (sum, line) =>
      sum + (/^(alt|opt|loop|par|critical|break) /.test(line) ? 1 : 0) - (line === 'end' ? 1 : 0),
    0,
  );
  return [
    ...unknown.map((line) => `not a line of a ${kind}: ${line}`),
    ...(depth === 0 ? [] : ['alt, opt, loop and end do not match']),
  ];
}
