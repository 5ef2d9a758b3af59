// Starts the page: reads the state, follows what happens, and draws again after every change.

import { follow, followTown } from "./api.js";
import { makeComposer, suggestionsFor } from "./composer.js";
import { h, icon } from "./dom.js";
import { flowItems, makeFlow, threadItems } from "./flow.js";
import { drawHome, leaveHome, makeHome, visitHome } from "./home.js";
import { drawModal } from "./modals.js";
import { drawRibbon } from "./ribbon.js";
import { go, readAddress } from "./route.js";
import { drawSidebar } from "./sidebar.js";
import { channelById, flowOf, people, placeName, repliesIn, state, subscribe, viewer } from "./store.js";
import { startTheme } from "./theme.js";
import { drawTopbar } from "./topbar.js";
import { leave, markOf, see, startUnread } from "./unread.js";

const small = matchMedia("(width <= 820px)"); // as in layout.css
const part = (id) => document.getElementById(id);

const flow = makeFlow("Messages");
const composer = makeComposer("composer", () => flow.toEnd());
const conversation = h("div", { class: "conversation" }, flow.node, composer.node);
const home = makeHome();

const threadFlow = makeFlow("Thread");
const threadComposer = makeComposer("thread-composer", () => threadFlow.toEnd());
const threadClose = h("button", { type: "button", class: "icon-button", "aria-label": "Close the thread", onclick: closeThread }, icon("close"));
const threadWhere = h("p");
part("thread").append(
  h("header", { class: "thread-head" }, h("div", { class: "place" }, h("h2", null, "Thread"), threadWhere), threadClose),
  threadFlow.node,
  threadComposer.node,
);

part("stage").append(conversation, home);

const SHORT_THREAD = 3; // replies; an answer is read from its first line on, a long story from its end
let last = { user: "", place: "", thread: "" };

function draw() {
  if (!state.loaded) return;
  if (!viewer.user) return begin();
  noticeMoves();
  const channel = channelById(viewer.place);
  if (channel && document.visibilityState === "visible") see(channel);
  drawSidebar(part("sidebar"));
  drawTopbar(part("topbar"), openSidebar);
  drawConnection();
  conversation.hidden = !channel;
  home.hidden = Boolean(channel);
  if (channel) drawChannel(channel);
  else drawHome(home);
  drawThread(channel);
  drawRibbon(part("ribbon"));
  drawModal();
  document.title = `${channel ? placeName(channel) : "Home"} · ${state.team.name}`;
}

/** The first reading of the state: what is there counts as read, and the address says who looks where. */
function begin() {
  startUnread();
  readAddress();
  if (!matchMedia("(pointer: coarse)").matches) setTimeout(composer.focus, 0);
}

/** What follows from having gone somewhere else, once each time. */
function noticeMoves() {
  const moved = last.user !== viewer.user || last.place !== viewer.place;
  const openedThread = viewer.thread && (moved || last.thread !== viewer.thread);
  const closedThread = last.thread && !viewer.thread;
  if (moved) {
    leave(last.user, last.place);
    closeSidebar();
    if (viewer.place !== "home") leaveHome();
  }
  if (viewer.place === "home") visitHome();
  const isFirst = !last.user;
  const left = last.thread;
  last = { ...viewer };
  if (openedThread && !isFirst) setTimeout(threadComposer.focus, 0);
  else if (closedThread && !moved) setTimeout(() => focusThreadOpener(left), 0);
}

function focusThreadOpener(ts) {
  const names = [`thread-${ts}`, `reply-${ts}`];
  names.map((name) => document.querySelector(`[data-focus="${CSS.escape(name)}"]`)).find(Boolean)?.focus({ preventScroll: true });
}

function drawChannel(channel) {
  const messages = flowOf(channel.id, viewer.user);
  const items = flowItems(messages, { replies: repliesIn(channel.id, viewer.user), readUpTo: markOf(channel), user: viewer.user });
  const shown = items.length ? items : [beginning(channel)];
  flow.show(`${viewer.user}/${channel.id}`, shown, messages.at(-1)?.ts ?? "");
  composer.setPlace({ channel, label: `Message ${channel.is_im ? placeName(channel) : `#${channel.name}`}`, suggestions: suggestionsFor(channel) });
}

const beginning = (channel) => ({
  key: "beginning",
  print: `${channel.id} ${viewer.user}`,
  make: () =>
    h(
      "div",
      { class: "beginning" },
      h("h2", null, channel.is_im ? `You and ${placeName(channel)}` : `#${channel.name}`),
      h("p", null, channel.purpose || "Nobody else reads along here."),
      channel.is_im
        ? h("p", { class: "muted" }, "Nothing has been said here yet. Choose a suggestion below, or write your own sentence.")
        : h("ol", { class: "first-steps" }, firstSteps().map(([what, how]) => h("li", null, h("strong", null, what), h("span", null, how)))),
    ),
});

/** What to do in a workspace that one sees for the first time. */
function firstSteps() {
  const others = people().filter((person) => person.id !== viewer.user && person.groups?.length);
  const other = others.find((person) => /approve/.test(person.title ?? "")) ?? others[0];
  return [
    ["Ask.", "Choose a sentence below, or write your own. A change shows a card and waits."],
    ["Turn the second key.", `Become ${other ? other.name : "somebody else"} (top right) and approve the card.`],
    ["Watch it happen.", "The card tells its progress; the cluster below shows every pod."],
  ];
}

function drawThread(channel) {
  const pane = part("thread");
  const isShown = Boolean(channel && viewer.thread);
  pane.hidden = !isShown;
  guardFocus();
  if (!isShown) return;
  const first = state.messages.get(`${channel.id}/${viewer.thread}`);
  const replies = repliesIn(channel.id, viewer.user).get(viewer.thread) ?? [];
  threadWhere.textContent = channel.is_im ? placeName(channel) : `#${channel.name}`;
  threadFlow.show(`${viewer.user}/${channel.id}/${viewer.thread}`, threadItems(first, replies), replies.at(-1)?.ts ?? "", replies.length <= SHORT_THREAD);
  threadComposer.setPlace({ channel, thread: viewer.thread, label: "Reply in the thread" });
}

function closeThread() {
  go({ thread: "" });
}

function drawConnection() {
  const text = state.connected ? "" : "Reconnecting to the playground …";
  if (part("connection").textContent !== text) part("connection").textContent = text;
}

function openSidebar() {
  part("app").classList.add("has-drawer");
  part("scrim").hidden = false;
  guardFocus();
  part("sidebar").querySelector("a")?.focus();
}

function closeSidebar() {
  part("app").classList.remove("has-drawer");
  part("scrim").hidden = true;
  guardFocus();
}

/** On a small screen, what is covered by the list or by the thread cannot be reached by keyboard either. */
function guardFocus() {
  const hasDrawer = part("app").classList.contains("has-drawer");
  part("main").inert = small.matches && (hasDrawer || !part("thread").hidden);
  part("thread").inert = small.matches && hasDrawer;
}

part("scrim").addEventListener("click", closeSidebar);
part("sidebar").addEventListener("click", (event) => {
  if (event.target.closest("[data-close], a")) closeSidebar();
});
part("skip").addEventListener("click", (event) => {
  event.preventDefault();
  composer.focus();
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (part("app").classList.contains("has-drawer")) closeSidebar();
  else if (viewer.thread) closeThread();
});
small.addEventListener("change", draw);
addEventListener("hashchange", readAddress);
document.addEventListener("visibilitychange", draw);

startTheme();
subscribe(draw);
follow();
followTown();
