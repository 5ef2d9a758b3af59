// The box one writes in. Enter sends, Shift+Enter makes a line; drafts stay with their person and place.

import { sendCommand, sendMessage, sentenceFor } from "./api.js";
import { h, icon, table } from "./dom.js";
import { botName, viewer } from "./store.js";

const SUGGESTIONS = table({
  ops: ["scale checkout to 5 in prod", "how are payments doing in prod?", "deploy cart 2.1.0 to staging"],
  incidents: ["payments is slow, what changed?", "errors in the logs of payments in prod", "roll back payments in prod"],
  direct: ["help", "how is checkout doing in prod?", "run support-quality on support-bot 2.1 against 2.0"],
  other: ["status of search in staging", "restart search in dev", "show the history of cart in prod"],
});

/** Three sentences that work here; spoken to the app where other people are around. */
export function suggestionsFor(channel) {
  if (channel.is_im) return SUGGESTIONS.direct;
  return (SUGGESTIONS[channel.name] ?? SUGGESTIONS.other).map((sentence) => `@${botName()} ${sentence}`);
}

const drafts = new Map(); // "user/channel/thread" -> text
const isSmall = () => matchMedia("(width <= 820px)").matches;
const MAX_HEIGHT_PX = 220;

/** A composer; `setPlace({channel, thread, label, suggestions})` says where it writes to. */
export function makeComposer(id, onSent) {
  let place = null;
  let turn = 0; // which suggestion the placeholder shows
  const box = h("textarea", { id, class: "composer-box", rows: "1", oninput: onInput, onkeydown: onKey });
  const send = h("button", { type: "submit", class: "composer-send", title: "Send", "aria-label": "Send", disabled: true }, icon("send"));
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Suggestions" });
  const problem = h("p", { class: "failure", role: "alert", hidden: true });
  const form = h("form", { class: "composer", onsubmit: onSubmit }, h("div", { class: "composer-frame" }, box, send));
  const hint = h("p", { class: "composer-hint", "aria-hidden": "true" }, h("kbd", null, "Enter"), " sends · ", h("kbd", null, "Shift+Enter"), " new line");
  const node = h("div", { class: "composer-area" }, chips, problem, form, hint);

  const draftKey = () => `${place.user}/${place.channel.id}/${place.thread ?? ""}`;

  function setPlace(next) {
    const before = place && draftKey();
    place = { ...next, user: viewer.user };
    if (draftKey() === before) return;
    box.value = drafts.get(draftKey()) ?? "";
    box.setAttribute("aria-label", next.label);
    problem.hidden = true;
    showSuggestions();
    onInput();
  }

  function showSuggestions() {
    const all = place.suggestions ?? [];
    const example = all[turn % all.length];
    box.placeholder = !example ? place.label : isSmall() ? example : `${place.label}, e.g. “${example}”`;
    chips.replaceChildren(
      ...all.map((sentence) => h("button", { type: "button", class: "chip", onclick: () => fillIn(sentence) }, sentence)),
    );
  }

  function fillIn(text) {
    box.value = text;
    box.focus();
    box.setSelectionRange(text.length, text.length);
    onInput();
  }

  function onInput() {
    drafts.set(draftKey(), box.value);
    send.disabled = !box.value.trim();
    chips.hidden = !chips.childElementCount || Boolean(box.value);
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, MAX_HEIGHT_PX)}px`;
  }

  function onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  }

  async function onSubmit(event) {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    const from = place;
    const key = draftKey();
    problem.hidden = true;
    fillIn("");
    turn += 1;
    showSuggestions();
    const answer = await deliver(text, from);
    if (answer.ok) {
      onSent?.();
      return;
    }
    drafts.set(key, text);
    if (key !== draftKey()) return;
    if (!box.value) fillIn(text);
    problem.replaceChildren(icon("warn"), sentenceFor(answer));
    problem.hidden = false;
  }

  return { node, setPlace, focus: () => box.focus() };
}

function deliver(text, { user, channel, thread }) {
  const [, command, rest] = /^(\/[\w-]+)\s*([\s\S]*)$/.exec(text) ?? [];
  return command ? sendCommand(user, channel.id, command, rest) : sendMessage(user, channel.id, text, thread);
}
