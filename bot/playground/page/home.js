// The app's Home of the person who looks.

import { failureOf, viewSurface } from "./actions.js";
import { openHome, sentenceFor } from "./api.js";
import { blockItems } from "./blocks.js";
import { h, icon, reconcile } from "./dom.js";
import { formOf } from "./modals.js";
import { botName, changed, homeOf, viewer } from "./store.js";

let openedFor = ""; // whose Home was asked for last; asked again after every change of person or place
let problem = "";

/** Says to the app that the viewer opened its Home, once a visit. */
export async function visitHome() {
  if (openedFor === viewer.user) return;
  openedFor = viewer.user;
  const answer = await openHome(viewer.user);
  problem = answer.ok ? "" : sentenceFor(answer);
  changed();
}

/** The viewer went elsewhere: the next visit asks the app again. */
export function leaveHome() {
  openedFor = "";
}

export const makeHome = () => h("div", { class: "home", tabindex: "0", role: "region", "aria-label": `Home of ${botName()}` }, h("div", { class: "home-body" }));

/** Draws the Home that the app published for the viewer. */
export function drawHome(node) {
  const view = homeOf(viewer.user);
  const failure = problem || (view && failureOf(view.id));
  const note = failure && { key: "failure", print: failure, make: () => h("p", { class: "failure", role: "alert" }, icon("warn"), failure) };
  const blocks = view ? blockItems(view.blocks, viewSurface(view, formOf(view)), `home-${viewer.user}`) : [empty()];
  reconcile(node.firstElementChild, [...blocks, note].filter(Boolean));
}

const empty = () => ({
  key: "empty",
  print: "",
  make: () => h("p", { class: "home-empty muted" }, `${botName()} has put nothing here for you yet. Write to it in #ops, then come back.`),
});
