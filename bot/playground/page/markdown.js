// The markdown block: the common part of Markdown, as elements.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./links.js";
import { runsOf } from "./mrkdwn.js";

const HEADING = /^(#{1,6})\s+(.*)$/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;
const BULLET = /^\s*[-*+]\s+(?:\[([ xX])\]\s+)?/;
const NUMBER = /^\s*\d+[.)]\s+/;
const QUOTE = /^\s*>\s?/;
const ROW = /^\s*\|.*\|\s*$/;

/** The nodes of a whole Markdown text. */
export function markdown(text) {
  const nodes = [];
  for (const [index, part] of text.split(/^```.*\n([\s\S]*?)^```\s*$/m).entries()) {
    if (index % 2) nodes.push(h("pre", null, h("code", null, part.replace(/\n$/, ""))));
    else nodes.push(...runsOf(part.split("\n"), kindOf).flatMap(blockOf));
  }
  return nodes;
}

function kindOf(line) {
  if (!line.trim()) return "gap";
  if (HEADING.test(line)) return "heading";
  if (RULE.test(line)) return "rule";
  if (BULLET.test(line)) return "bullets";
  if (NUMBER.test(line)) return "numbers";
  if (QUOTE.test(line)) return "quote";
  return ROW.test(line) ? "table" : "paragraph";
}

const BLOCKS = {
  gap: () => [],
  rule: () => [h("hr")],
  heading: (lines) => lines.map((line) => heading(HEADING.exec(line))),
  bullets: (lines) => [h("ul", null, lines.map(bullet))],
  numbers: (lines) => [h("ol", { start: parseInt(lines[0], 10) }, lines.map((line) => h("li", null, span(line.replace(NUMBER, "")))))],
  quote: (lines) => [h("blockquote", null, markdown(lines.map((line) => line.replace(QUOTE, "")).join("\n")))],
  table: (lines) => [table(lines)],
  paragraph: (lines) => [h("p", null, span(lines.join("\n")))],
};

const blockOf = (lines) => BLOCKS[kindOf(lines[0])](lines);

/** Headings inside a message start at the level below its author's name. */
const heading = ([, marks, title]) => h(`h${Math.min(marks.length + 2, 6)}`, { class: "markdown-heading" }, span(title));

function bullet(line) {
  const ticked = BULLET.exec(line)[1];
  const mark = ticked === undefined ? null : ticked === " " ? "☐ " : "☑ ";
  return h("li", { class: mark ? "ticked" : null }, mark, span(line.replace(BULLET, "")));
}

function table(lines) {
  const cells = (line) => line.trim().slice(1, -1).split("|").map((cell) => cell.trim());
  const rows = lines.map(cells).filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
  const [head, ...body] = rows;
  return h(
    "div",
    { class: "table-frame", role: "region", "aria-label": "Table", tabindex: "0" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, span(cell))))),
      h("tbody", null, body.map((row) => h("tr", null, row.map((cell) => h("td", null, span(cell)))))),
    ),
  );
}

const MARKS =
  /`(?<code>[^`\n]+)`|\[(?<label>[^\]\n]+)\]\((?<address>[^)\s]+)\)|\*\*(?<bold>(?=\S).+?\S|\S)\*\*|~~(?<struck>.+?)~~|(?<![\w*])[*_](?<italic>(?=\S)[^*_\n]*[^\s*_])[*_](?![\w*])|:(?<emoji>[a-z0-9_+-]+):|(?<bare>https?:\/\/[^\s<>)]+)/g;

function span(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(MARKS)) {
    if (match.index > from) nodes.push(text.slice(from, match.index));
    nodes.push(marked(match.groups));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

function marked({ code, label, address, bold, struck, italic, emoji: name, bare }) {
  if (code) return h("code", null, code);
  if (address) return link(address, span(label));
  if (bold) return h("strong", null, span(bold));
  if (struck) return h("s", null, span(struck));
  if (italic) return h("em", null, span(italic));
  return name ? emoji(name) : link(bare);
}
