// Slack's mrkdwn as elements (https://docs.slack.dev/messaging/formatting-message-text).

import { timeElement } from "./dates.js";
import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { link, safeAddress } from "./links.js";
import { channelById, personById, state, viewer } from "./store.js";

/** The text as Slack's clients wrote it before they escaped it. */
export const unescaped = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** A text object, `{type: "mrkdwn" | "plain_text", text}`, or a string that is mrkdwn. */
export function textObject(text) {
  if (!text) return "";
  if (typeof text === "string") return mrkdwn(text);
  if (text.type === "plain_text") return text.emoji === false ? text.text : withEmoji(text.text ?? "");
  return mrkdwn(text.text ?? "");
}

/** What a text object says, for labels and titles. */
export const plainText = (text) => (text ? withEmoji(unescaped(typeof text === "string" ? text : (text.text ?? ""))) : "");

/** The nodes of a whole text: code fences and quotes first, then what stands within a line. */
export function mrkdwn(text) {
  const nodes = [];
  for (const [index, part] of text.split(/```\n?([\s\S]*?)\n?```\n?/).entries()) {
    if (index % 2) nodes.push(h("pre", null, h("code", null, verbatim(part))));
    else if (part) nodes.push(...quotesAndLines(part));
  }
  return nodes;
}

/** Code: links in it are shown as they were written, everything else as it is. */
const verbatim = (text) => unescaped(text.replace(/<(?:https?:|mailto:)[^<>]+>/g, linkText));

function linkText(all) {
  const [target, label] = splitOnce(all.slice(1, -1), "|");
  return label || target.replace(/^mailto:/, "");
}

const QUOTED = /^(?:&gt;|>) ?/;

function quotesAndLines(text) {
  const nodes = [];
  for (const lines of runsOf(text.split("\n"), (line) => QUOTED.test(line))) {
    if (QUOTED.test(lines[0])) {
      nodes.push(h("blockquote", null, inline(lines.map((line) => line.replace(QUOTED, "")).join("\n"))));
    } else {
      const isLast = nodes.length > 0 && lines.every((line) => !line);
      if (!isLast) nodes.push(h("span", { class: "run" }, inline(lines.join("\n"))));
    }
  }
  return nodes;
}

/** Splits into runs of neighbours on which `test` says the same. */
export function runsOf(items, test) {
  const runs = [];
  let last;
  for (const item of items) {
    const now = test(item);
    if (runs.length && now === last) runs.at(-1).push(item);
    else runs.push([item]);
    last = now;
  }
  return runs;
}

// In order of precedence: <…>, `code`, *bold*, _italic_, ~struck~, :emoji:. A mark counts only at a word's edge.
const MARKS = new RegExp(
  [
    "<(?<control>[^<>\\n]+)>",
    "`(?<code>[^`\\n]+)`",
    "(?<![\\p{L}\\p{N}*])\\*(?<bold>(?=\\S)[^*\\n]*[^\\s*])\\*(?![\\p{L}\\p{N}*])",
    "(?<![\\p{L}\\p{N}_])_(?<italic>(?=\\S)[^_\\n]*[^\\s_])_(?![\\p{L}\\p{N}_])",
    "(?<![\\p{L}\\p{N}~])~(?<struck>(?=\\S)[^~\\n]*[^\\s~])~(?![\\p{L}\\p{N}~])",
    ":(?<emoji>[a-z0-9_+'-]+(?:::skin-tone-\\d)?):",
  ].join("|"),
  "gu",
);

const MAKERS = {
  control: (inside) => control(inside),
  code: (inside) => h("code", null, verbatim(inside)),
  bold: (inside) => h("strong", null, inline(inside)),
  italic: (inside) => h("em", null, inline(inside)),
  struck: (inside) => h("s", null, inline(inside)),
  emoji: (inside) => emoji(inside),
};

function inline(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(MARKS)) {
    if (match.index > from) nodes.push(unescaped(text.slice(from, match.index)));
    const [kind, inside] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    nodes.push(MAKERS[kind](inside));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(unescaped(text.slice(from)));
  return nodes;
}

function control(inside) {
  const [target, label] = splitOnce(inside, "|");
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!")) return special(target.slice(1), label);
  if (!safeAddress(unescaped(target))) return document.createTextNode(unescaped(`<${inside}>`));
  return link(unescaped(target), label ? unescaped(label) : unescaped(target.replace(/^mailto:/, "")));
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function special(target, label) {
  if (target.startsWith("date^")) {
    const [, seconds, pattern, address] = target.split("^");
    const time = timeElement(seconds, unescaped(pattern ?? ""), unescaped(label));
    return address ? link(unescaped(address), time) : time;
  }
  if (target.startsWith("subteam^")) return usergroup(target.slice("subteam^".length), label);
  if (["here", "channel", "everyone"].includes(target)) return broadcast(target);
  return document.createTextNode(unescaped(label || `<!${target}>`));
}

export const broadcast = (range) => h("span", { class: "mention mention-me" }, `@${range}`);

/** A person's name as a mention; stands out where it is the viewer. */
export function mention(id, label) {
  const name = personById(id)?.name ?? (label ? unescaped(label) : id);
  return h("span", { class: id === viewer.user ? "mention mention-me" : "mention" }, `@${name}`);
}

export function channelMention(id, label) {
  const name = channelById(id)?.name ?? (label ? unescaped(label) : id);
  return h("span", { class: "mention" }, `#${name}`);
}

export function usergroup(id, label) {
  const handle = (label ? unescaped(label) : (state.usergroups?.find((group) => group.id === id)?.handle ?? id)).replace(/^@/, "");
  const isMine = personById(viewer.user)?.groups?.includes(handle);
  return h("span", { class: isMine ? "mention mention-me" : "mention" }, `@${handle}`);
}
