import { onPath } from '../support/on-path.ts';

/** Why there is no Prometheus to test with, or `false`. */
export const noPrometheus =
  onPath('prometheus') && onPath('promtool')
    ? false
    : 'prometheus or promtool is missing: install the Debian package prometheus';
