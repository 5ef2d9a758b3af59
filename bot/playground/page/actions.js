// What happens when somebody clicks: ask first where the app wants it, show that it is under way, say when it failed.

import { sendAction, sentenceFor } from "./api.js";
import { confirmed } from "./confirm.js";
import { announce } from "./dom.js";
import { changed, viewer } from "./store.js";

const pending = new Set(); // "surface|focus token"
const failures = new Map(); // surface id -> sentence

export const failureOf = (surface) => failures.get(surface);

/** The surface of a message: where its clicks go. */
export const messageSurface = (message) => ({
  id: `${message.channel}/${message.ts}`,
  address: { channel: message.channel, message_ts: message.ts },
});

/** The surface of a modal or of Home; `form` holds what was filled in: key -> value. */
export const viewSurface = (view, form) => ({ id: view.id, address: { view_id: view.id }, form });

/** Shows on a fresh node that its action is still under way, after the message around it was drawn again. */
export function markPending(surface, token, node) {
  if (pending.has(`${surface.id}|${token}`)) setBusy(node, true);
}

/** Posts the action as the viewer; at most once at a time for the same control. */
export async function perform(surface, element, token, value) {
  const key = `${surface.id}|${token}`;
  if (pending.has(key)) return;
  const user = viewer.user;
  if (element.confirm && !(await confirmed(element.confirm))) return refocus(token);
  pending.add(key);
  failures.delete(surface.id);
  setBusyEverywhere(token, true);
  const answer = await sendAction({
    user,
    ...surface.address,
    action_id: element.action_id,
    ...(value === undefined ? {} : { value }),
  });
  pending.delete(key);
  setBusyEverywhere(token, false);
  if (!answer.ok) {
    failures.set(surface.id, sentenceFor(answer));
    announce(sentenceFor(answer));
  }
  changed();
}

const everywhere = (token) => document.querySelectorAll(`[data-focus="${CSS.escape(token)}"]`);

function setBusyEverywhere(token, busy) {
  for (const node of everywhere(token)) setBusy(node, busy);
}

function setBusy(node, busy) {
  node.classList.toggle("is-busy", busy);
  if (busy) node.setAttribute("aria-busy", "true");
  else node.removeAttribute("aria-busy");
}

function refocus(token) {
  if (document.activeElement !== document.body) return; // the dialog gave it back by itself
  everywhere(token)[0]?.focus({ preventScroll: true });
}
