// The rich_text block: sections, lists, quotes and preformatted text with styles.

import { timeElement } from "./dates.js";
import { h, table } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./links.js";
import { broadcast, channelMention, mention, usergroup } from "./mrkdwn.js";

const BLOCKS = table({
  rich_text_section: (part) => h("div", { class: "rich-section" }, leaves(part)),
  rich_text_quote: (part) => h("blockquote", null, leaves(part)),
  rich_text_preformatted: (part) => h("pre", null, h("code", null, leaves(part))),
  rich_text_list: list,
});

/** The nodes of one rich_text block. */
export const richText = (block) => (block.elements ?? []).map((part) => BLOCKS[part.type]?.(part) ?? "");

const leaves = (part) => (part.elements ?? []).map((leaf) => styled(LEAVES[leaf.type]?.(leaf) ?? "", leaf.style));

const LEAVES = table({
  text: (leaf) => leaf.text,
  link: (leaf) => link(leaf.url, leaf.text || leaf.url),
  emoji: (leaf) => emoji(leaf.name),
  user: (leaf) => mention(leaf.user_id),
  usergroup: (leaf) => usergroup(leaf.usergroup_id),
  channel: (leaf) => channelMention(leaf.channel_id),
  broadcast: (leaf) => broadcast(leaf.range),
  date: (leaf) => timeElement(leaf.timestamp, leaf.format ?? "{date}", leaf.fallback ?? ""),
  color: (leaf) => h("code", null, leaf.value),
});

function styled(node, style = {}) {
  const tags = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };
  let wrapped = node;
  for (const [name, tag] of Object.entries(tags)) if (style?.[name]) wrapped = h(tag, null, wrapped);
  return wrapped;
}

function list(part) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  const start = part.style === "ordered" && part.offset ? part.offset + 1 : null;
  const items = (part.elements ?? []).map((item) => h("li", null, BLOCKS[item.type]?.(item) ?? ""));
  return h(tag, { class: `rich-list indent-${Math.min(part.indent ?? 0, 5)}`, start }, items);
}
