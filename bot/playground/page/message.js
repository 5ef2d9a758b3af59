// One message: its head, what it says, its cards and files, its thread.

import { failureOf, messageSurface } from "./actions.js";
import { attachmentItems, fileItems } from "./attachments.js";
import { blockItems } from "./blocks.js";
import { dateOf, longTimeOf, timeOf } from "./dates.js";
import { h, icon, reconcile } from "./dom.js";
import { emoji } from "./emoji.js";
import { textObject } from "./mrkdwn.js";
import { avatar, nameTag } from "./people.js";
import { addressOf } from "./route.js";
import { nameOf, viewer } from "./store.js";

const GROUP_SECONDS = 300;

/** Whether `message` goes on under the head of the one before it. */
export function continues(message, before) {
  return (
    Boolean(before) &&
    before.user === message.user &&
    !message.ephemeral_to &&
    !before.ephemeral_to &&
    !message.reply_broadcast &&
    Number(message.ts) - Number(before.ts) < GROUP_SECONDS &&
    dateOf(message.ts).toDateString() === dateOf(before.ts).toDateString()
  );
}

/** An item for `reconcile`; `replies` are the thread's, `inThread` leaves out what leads there. */
export function messageItem(message, { before, replies = [], inThread = false }) {
  const shape = { message, grouped: continues(message, before), replies, inThread };
  const failure = failureOf(messageSurface(message).id);
  const summary = replies.map((reply) => [reply.ts, reply.user]);
  return {
    key: `message-${message.ts}`,
    print: JSON.stringify([message, shape.grouped, summary, viewer.user, failure]),
    make: () => {
      const node = h("article", { tabindex: "-1", "data-ts": message.ts, "data-channel": message.channel, "data-anchor": message.ts });
      fill(node, shape);
      return node;
    },
    update: (node) => fill(node, shape),
  };
}

function fill(node, shape) {
  const { message, grouped, replies, inThread } = shape;
  node.className = ["message", grouped && "is-grouped", message.ephemeral_to && "is-ephemeral"].filter(Boolean).join(" ");
  node.setAttribute("aria-label", `${nameOf(message.user)}, ${timeOf(dateOf(message.ts))}`);
  const surface = messageSurface(message);
  reconcile(node, [
    piece("gutter", [grouped, message.user], () => gutter(message, grouped)),
    {
      key: "content",
      print: JSON.stringify([message, replies.length, replies.at(-1)?.ts, grouped, failureOf(surface.id)]),
      make: () => {
        const content = h("div", { class: "content" });
        fillContent(content, shape, surface);
        return content;
      },
      update: (content) => fillContent(content, shape, surface),
    },
    !inThread && !message.ephemeral_to && piece("toolbar", [message.thread_ts ?? message.ts], () => toolbar(message)),
  ].filter(Boolean));
}

const piece = (key, print, make) => ({ key, print: JSON.stringify(print), make });

function fillContent(content, { message, grouped, replies, inThread }, surface) {
  const failure = failureOf(surface.id);
  const hasBlocks = message.blocks?.length > 0;
  reconcile(content, [
    message.ephemeral_to && piece("private", [], () => h("p", { class: "private-note" }, icon("eye"), "Only visible to you")),
    !grouped && piece("head", [message.user, message.ts, message.edited], () => head(message)),
    message.reply_broadcast && piece("broadcast", [], () => h("p", { class: "muted small" }, "replied to a thread")),
    ...(hasBlocks ? blockItems(message.blocks, surface) : [textPiece(message)]),
    ...attachmentItems(message, surface),
    ...fileItems(message),
    message.reactions?.length && piece("reactions", message.reactions, () => reactions(message.reactions)),
    failure && piece("failure", [failure], () => h("p", { class: "failure", role: "alert" }, icon("warn"), failure)),
    !inThread && replies.length && piece("thread", replies.map((reply) => [reply.ts, reply.user]), () => threadLink(message, replies)),
  ].filter(Boolean));
}

const edited = () => h("span", { class: "edited" }, " (edited)");

function textPiece(message) {
  const make = () => h("div", { class: "mrkdwn text" }, textObject(message.text), message.edited && edited());
  return message.text ? piece("text", [message.text, message.edited, viewer.user], make) : null;
}

function gutter(message, grouped) {
  const date = dateOf(message.ts);
  if (!grouped) return h("div", { class: "gutter" }, avatar(message.user));
  return h("div", { class: "gutter" }, h("time", { class: "small-time", datetime: date.toISOString(), title: longTimeOf(date) }, timeOf(date)));
}

function head(message) {
  const date = dateOf(message.ts);
  const time = h("time", { class: "time", datetime: date.toISOString(), title: longTimeOf(date) }, timeOf(date));
  const isEditedBlocks = message.edited && message.blocks?.length > 0; // a text has its mark at its end
  return h("header", { class: "head" }, nameTag(message.user), time, isEditedBlocks && edited());
}

function toolbar(message) {
  const href = addressOf({ place: message.channel, thread: message.thread_ts ?? message.ts });
  return h(
    "div",
    { class: "toolbar" },
    h("a", { class: "tool", href, title: "Reply in thread", "aria-label": "Reply in thread", "data-focus": `reply-${message.ts}` }, icon("reply")),
  );
}

function threadLink(message, replies) {
  const authors = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const count = `${replies.length} ${replies.length === 1 ? "reply" : "replies"}`;
  return h(
    "a",
    { class: "thread-link", href: addressOf({ place: message.channel, thread: message.ts }), "data-focus": `thread-${message.ts}` },
    h("span", { class: "faces" }, authors.map((id) => avatar(id, "tiny"))),
    h("strong", null, count),
    h("span", { class: "muted" }, `last ${timeOf(dateOf(replies.at(-1).ts))}`),
  );
}

const reactions = (all) =>
  h("div", { class: "reactions" }, all.map((one) => h("span", { class: "reaction" }, emoji(one.name), ` ${one.count ?? one.users?.length ?? 1}`)));
