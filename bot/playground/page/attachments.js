// Cards (attachments with a coloured bar) and files under a message.

import { blockItems } from "./blocks.js";
import { h, icon, reconcile, table } from "./dom.js";
import { link, ownPath, picture } from "./links.js";
import { textObject } from "./mrkdwn.js";

const NAMED = table({ good: "#2e8b57", warning: "#c27c0e", danger: "#c0362c" });

/** A colour as CSS may have it: #rrggbb or one of Slack's three names; undefined for anything else. */
function barColour(colour = "") {
  if (NAMED[colour]) return NAMED[colour];
  const hex = /^#?([0-9a-f]{6})$/i.exec(colour);
  return hex ? `#${hex[1]}` : undefined;
}

/** Items for `reconcile`: one card an attachment, whose blocks are kept where they did not change. */
export const attachmentItems = (message, surface) =>
  (message.attachments ?? []).map((attachment, index) => ({
    key: `card-${index}`,
    print: JSON.stringify(attachment),
    make: () => {
      const card = h("div", { class: "card" }, h("div", { class: "card-bar" }), h("div", { class: "card-body" }));
      fillCard(card, attachment, surface, index);
      return card;
    },
    update: (card) => fillCard(card, attachment, surface, index),
  }));

function fillCard(card, attachment, surface, index) {
  const colour = barColour(attachment.color);
  card.classList.toggle("has-colour", Boolean(colour));
  if (colour) card.style.setProperty("--bar", colour);
  const items = attachment.blocks?.length ? blockItems(attachment.blocks, surface, `card-${index}`) : oldFashioned(attachment);
  reconcile(card.querySelector(".card-body"), items);
}

/** An attachment of the time before blocks. */
function oldFashioned(attachment) {
  const whole = { key: "whole", print: JSON.stringify(attachment) };
  const title = attachment.title && h("strong", null, attachment.title_link ? link(attachment.title_link, attachment.title) : attachment.title);
  const field = (one) => h("div", { class: "mrkdwn" }, h("strong", null, one.title), h("br"), textObject(one.value));
  const make = () =>
    h(
      "div",
      { class: "block mrkdwn" },
      attachment.pretext && h("div", null, textObject(attachment.pretext)),
      attachment.author_name && h("div", { class: "muted" }, attachment.author_name),
      title,
      h("div", null, textObject(attachment.text || (title ? "" : attachment.fallback))),
      attachment.fields?.length && h("div", { class: "fields" }, attachment.fields.map(field)),
      attachment.image_url && picture(attachment.image_url, attachment.fallback),
      attachment.footer && h("div", { class: "muted" }, attachment.footer),
    );
  return [{ ...whole, make }];
}

const UNITS = ["bytes", "KB", "MB", "GB"];

function sizeOf(bytes) {
  if (!Number.isFinite(bytes)) return "";
  const power = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), UNITS.length - 1);
  const number = bytes / 1024 ** power;
  return `${number >= 10 || power === 0 ? Math.round(number) : number.toFixed(1)} ${UNITS[power]}`;
}

/** Items for the files of a message: pictures are shown, everything else can be opened. */
export const fileItems = (message) =>
  (message.files ?? []).map((file) => ({
    key: `file-${file.id}`,
    print: JSON.stringify(file),
    make: () => (file.mimetype?.startsWith("image/") ? picture(file.url, file.alt_text || file.title, file.title) : fileCard(file)),
  }));

function fileCard(file) {
  const path = ownPath(file.url);
  const details = [file.name !== file.title && file.name, sizeOf(file.size)].filter(Boolean).join(" · ");
  const inside = [icon("file"), h("span", null, h("strong", null, file.title || file.name), h("small", null, details))];
  if (!path) return h("div", { class: "file-card" }, inside);
  return h("a", { class: "file-card", href: path, target: "_blank", rel: "noopener" }, inside);
}
