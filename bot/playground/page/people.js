// Faces and names: initials on a colour that is the person's own.

import { h } from "./dom.js";
import { nameOf, people, personById, state } from "./store.js";

const COLOURS = 8; // as many as .avatar-0 … .avatar-7 in sidebar.css

/** A square with initials; the app shows its two keys. Decoration: the name stands beside it. */
export function avatar(id, size = "") {
  if (id === state.bot_user_id) {
    return h("img", { class: `avatar ${size}`, src: "icon.svg", alt: "", "aria-hidden": "true" });
  }
  const person = personById(id);
  const words = (person?.real_name || person?.name || id || "?").split(/\s+/);
  const initials = words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
  const number = Math.max(people().findIndex((one) => one.id === id), 0) % COLOURS;
  return h("span", { class: `avatar avatar-${number} ${size}`, "aria-hidden": "true" }, initials);
}

/** The name, and the badge that marks an app. */
export function nameTag(id) {
  const isApp = id === state.bot_user_id || personById(id)?.is_bot;
  return [h("span", { class: "author", title: personById(id)?.title }, nameOf(id)), isApp && h("span", { class: "app-badge" }, "APP")];
}
