// A list of messages: days, what is new, and a scroll position that nothing but the reader moves.

import { dateOf, dayOf } from "./dates.js";
import { h, icon, reconcile } from "./dom.js";
import { messageItem } from "./message.js";

const AT_BOTTOM_PX = 48;

/** A scrolling list that follows what is new only while the reader is at its end. */
export function makeFlow(label) {
  const list = h("div", { class: "flow-list", role: "log", "aria-label": label, "aria-live": "polite" });
  const scroller = h("div", { class: "flow", tabindex: "0", role: "region", "aria-label": label }, list);
  const pill = h("button", { type: "button", class: "jump", hidden: true, onclick: () => toEnd() }, icon("down"), "New messages");
  const node = h("div", { class: "flow-frame" }, scroller, pill);
  let follows = true;
  let shown = ""; // which list is on display
  let last = "";
  let position = 0; // where the reader was at the last scroll

  const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < AT_BOTTOM_PX;
  function toEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    follows = true;
    pill.hidden = true;
  }
  scroller.addEventListener("scroll", () => {
    const isReadersDoing = scroller.scrollTop < position; // what grows below never moves the reader up
    position = scroller.scrollTop;
    if (isAtEnd()) {
      follows = true;
      pill.hidden = true;
    } else if (isReadersDoing) follows = false;
  });
  // In the next frame: what an observer moves within its own frame the browser reports as an error.
  const observer = new ResizeObserver(() => requestAnimationFrame(() => follows && toEnd()));
  observer.observe(list);
  observer.observe(scroller);

  /** Shows `items`; another `name` is another list, which starts at its end, or `fromTop`. */
  function show(name, items, newest, fromTop = false) {
    const isOther = name !== shown;
    list.setAttribute("aria-live", isOther ? "off" : "polite");
    if (isOther) list.replaceChildren();
    const before = scroller.scrollTop;
    reconcile(list, items);
    if (isOther && fromTop) {
      scroller.scrollTop = 0;
      follows = isAtEnd();
      pill.hidden = true;
    } else if (isOther || follows) toEnd();
    else {
      scroller.scrollTop = before;
      if (newest !== last) pill.hidden = false;
    }
    shown = name;
    last = newest;
  }
  return { node, show, isAtEnd, toEnd };
}

const separator = (key, className, text) => ({
  key,
  print: text,
  make: () => h("div", { class: `separator ${className}`, role: "separator", "aria-label": text }, h("span", null, text)),
});

/** The items of a channel: messages with a line a day, and one before the first that `readUpTo` does not cover. */
export function flowItems(messages, { replies = new Map(), readUpTo = "", user = "" }) {
  const items = [];
  let before;
  let day;
  let isMarked = false;
  for (const message of messages) {
    const today = dateOf(message.ts).toDateString();
    if (today !== day) items.push(separator(`day-${today}`, "is-day", dayOf(dateOf(message.ts))));
    const isNew = readUpTo && !isMarked && Number(message.ts) > Number(readUpTo) && message.user !== user;
    if (isNew) {
      items.push(separator("new", "is-new", "New"));
      isMarked = true;
    }
    const starts = today !== day || isNew;
    items.push(messageItem(message, { before: starts ? undefined : before, replies: replies.get(message.ts) }));
    before = message;
    day = today;
  }
  return items;
}

/** The items of a thread: its first message, how many replies, the replies. */
export function threadItems(first, replies) {
  const count = replies.length ? `${replies.length} ${replies.length === 1 ? "reply" : "replies"}` : "No replies yet";
  const items = first ? [messageItem(first, { inThread: true })] : [];
  items.push(separator("count", "is-count", count));
  for (const [index, reply] of replies.entries()) items.push(messageItem(reply, { before: replies[index - 1], inThread: true }));
  return items;
}
