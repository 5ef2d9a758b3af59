// Talking to the emulator: one function a thing that a person can do.

import { table } from "./dom.js";
import { applyEvent, changed, replaceState, state } from "./store.js";

async function post(path, body) {
  try {
    const response = await fetch(`/emulator/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    return { ...answer, ok: response.ok && answer.ok !== false };
  } catch {
    return { ok: false, error: "unreachable" };
  }
}

export const sendMessage = (user, channel, text, thread_ts) =>
  post("messages", { user, channel, text, ...(thread_ts ? { thread_ts } : {}) });
export const sendCommand = (user, channel, command, text) => post("commands", { user, channel, command, text });
export const sendAction = (body) => post("actions", body);
export const openHome = (user) => post("home", { user });
export const submitView = (user, view_id, values) => post("views", { user, view_id, values });
export const closeView = (user, view_id) => post("views/close", { user, view_id });

const SENTENCES = table({
  operation_timeout: "This app didn't respond in time. Try again in a moment.",
  unreachable: "The playground doesn't answer. Is `twokey demo` still running?",
  no_such_element: "That button is gone: the message has changed since.",
  no_such_option: "That choice is gone: the message has changed since.",
  message_not_found: "That message is gone.",
  not_found: "That window was closed in the meantime.",
  view_not_on_top: "Another window was opened over this one.",
  msg_too_long: "That is too long for one message: 40,000 characters at most.",
  not_in_channel: "You are not in this channel.",
});

/** What to tell the person about an answer that is not ok. */
export const sentenceFor = (answer) =>
  SENTENCES[answer.error] ?? `This app didn't respond${answer.error ? ` (${answer.error})` : ""}. Try again.`;

let fetching = null;
let again = false;

/** Reads the whole state again; calls that come while it is under way lead to one more reading, not to many. */
export function refetch() {
  if (fetching) {
    again = true;
    return fetching;
  }
  fetching = readState().finally(() => {
    fetching = null;
    if (again) {
      again = false;
      refetch();
    }
  });
  return fetching;
}

async function readState() {
  try {
    const response = await fetch("/emulator/state");
    if (response.ok) replaceState(await response.json());
  } catch {
    setConnected(false); // the stream reconnects and reads the state again
  }
}

function setConnected(connected) {
  if (state.connected === connected) return;
  state.connected = connected;
  changed();
}

/** Follows the emulator's events for ever: reconnects, and reads the whole state after every gap. */
export function follow() {
  const stream = new EventSource("/emulator/events");
  stream.onopen = () => {
    setConnected(true);
    refetch();
  };
  stream.onmessage = (event) => {
    if (!applyEvent(JSON.parse(event.data))) refetch();
  };
  stream.onerror = () => {
    setConnected(false);
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(follow, 1000);
  };
}

const TOWN_EVERY_MS = 1000;

/** Reads what the simulated cluster does once a second, while somebody can see it. */
export async function followTown() {
  let next = TOWN_EVERY_MS;
  if (document.visibilityState === "visible") {
    try {
      const response = await fetch("/town/state");
      if (response.ok) setTown(await response.json());
      else next = 30 * TOWN_EVERY_MS; // this playground has no town
    } catch {
      setConnected(false);
    }
  }
  setTimeout(followTown, next);
}

let lastTown = "";

function setTown(town) {
  const print = JSON.stringify(town.services); // the clock beside them moves all the time
  if (print === lastTown) return;
  lastTown = print;
  state.town = town;
  changed();
}
