// Times in the viewer's own zone and language.

import { h, table } from "./dom.js";

const DAY_MS = 86_400_000;

const formats = new Map();

function format(date, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(undefined, options));
  return formats.get(key).format(date);
}

export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const timeOf = (date) => format(date, { hour: "numeric", minute: "2-digit" });
export const longTimeOf = (date) => format(date, { dateStyle: "full", timeStyle: "medium" });

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** "Today", "Yesterday", "Tomorrow", or undefined for any other day. */
function nearDay(date) {
  const days = Math.round((midnight(date) - midnight(new Date())) / DAY_MS);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[days];
}

const long = (date) => format(date, { weekday: "long", day: "numeric", month: "long" });
const inWords = (date) => format(date, { day: "numeric", month: "long", year: "numeric" });
const short = (date) => format(date, { day: "numeric", month: "short", year: "numeric" });
const longest = (date) => format(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** What stands on the line between two days of messages. */
export const dayOf = (date) => nearDay(date) ?? long(date);

const pretty = (otherwise) => (date) => nearDay(date)?.toLowerCase() ?? otherwise(date);

function ago(date) {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return words.format(Math.round(seconds / size), unit);
}

// The tokens of Slack's <!date^…> (https://docs.slack.dev/messaging/formatting-message-text#date-formatting).
const TOKENS = table({
  date_num: (date) => format(date, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date_slash: (date) => format(date, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: inWords,
  date_short: short,
  date_long: longest,
  date_pretty: pretty(inWords),
  date_short_pretty: pretty(short),
  date_long_pretty: pretty(longest),
  day_divider_pretty: pretty(longest),
  time: timeOf,
  time_secs: (date) => format(date, { timeStyle: "medium" }),
  ago,
});

/** The text of `<!date^seconds^pattern|fallback>`; the fallback where the moment makes no sense. */
export function formatted(seconds, pattern, fallback) {
  const date = dateOf(seconds);
  if (Number.isNaN(date.getTime())) return fallback;
  return pattern.replace(/\{(\w+)\}/g, (all, token) => TOKENS[token]?.(date) ?? all) || fallback;
}

/** The same as a <time> element with the whole moment as its title. */
export function timeElement(seconds, pattern, fallback) {
  const date = dateOf(seconds);
  const known = !Number.isNaN(date.getTime());
  return h(
    "time",
    { datetime: known ? date.toISOString() : null, title: known ? longTimeOf(date) : null },
    formatted(seconds, pattern, fallback),
  );
}
