// Block Kit as elements: one function a kind of block. https://docs.slack.dev/reference/block-kit/blocks

import { markPending, perform } from "./actions.js";
import { control } from "./controls.js";
import { h, icon, table } from "./dom.js";
import { link, ownPath, picture } from "./links.js";
import { markdown } from "./markdown.js";
import { plainText, textObject } from "./mrkdwn.js";
import { initialOf } from "./options.js";
import { richText } from "./richtext.js";
import { fileById } from "./store.js";

/** Items for `reconcile`: an unchanged block keeps its node, so pictures, fields and the focus stay. */
export function blockItems(blocks, surface, prefix = "block", errors = {}) {
  return (blocks ?? []).map((block, index) => ({
    key: `${prefix}-${block.block_id ?? index}-${block.type}`,
    print: JSON.stringify([block, errors[block.block_id]]),
    make: () => oneBlock(block, surface, errors[block.block_id]),
  }));
}

function oneBlock(block, surface, error) {
  const kind = block.type in BLOCKS ? block.type : "unknown";
  const node = BLOCKS[kind](block, surface, error);
  node.classList.add("block", `block-${kind}`);
  if (block.block_id) node.dataset.blockId = block.block_id;
  return node;
}

const BLOCKS = table({
  section,
  header: (block) => h("h3", null, textObject(block.text)),
  divider: () => h("hr"),
  context: (block, surface) => h("div", null, (block.elements ?? []).map((part) => contextPart(part, surface))),
  actions: (block, surface) => h("div", { role: "group", "aria-label": "Actions" }, interactives(block, surface)),
  context_actions: (block, surface) => h("div", { role: "group", "aria-label": "Actions" }, interactives(block, surface)),
  image: (block) => picture(imageAddress(block), block.alt_text, block.title && textObject(block.title)),
  rich_text: (block) => h("div", { class: "mrkdwn" }, richText(block)),
  markdown: (block) => h("div", { class: "mrkdwn markdown" }, markdown(block.text ?? "")),
  table: grid,
  input,
  file: (block) => h("div", null, fileById(block.file_id)?.title ?? "A file"),
  unknown,
  video: (block) => h("div", null, "Video: ", link(block.title_url ?? block.video_url, plainText(block.title) || block.alt_text)),
});


function unknown(block) {
  return h("p", null, `This kind of block (${block.type}) isn't shown here.`);
}

function section(block, surface) {
  const fields = block.fields?.length && h("div", { class: "fields" }, block.fields.map((one) => h("div", { class: "mrkdwn" }, textObject(one))));
  const text = block.text && h("div", { class: "mrkdwn" }, textObject(block.text));
  const accessory = block.accessory && h("div", { class: "accessory" }, interactive(block.accessory, block, surface, plainText(block.text)));
  return h("div", { class: accessory ? "has-accessory" : null }, h("div", { class: "section-text" }, text, fields), accessory);
}

const imageAddress = (block) => block.image_url ?? fileById(block.slack_file?.id)?.url ?? block.slack_file?.url;

function contextPart(part, surface) {
  if (part.type !== "image") return h("span", { class: "mrkdwn" }, textObject(part));
  return thumbnail(part, surface);
}

function thumbnail(part) {
  const path = ownPath(imageAddress(part));
  return path ? h("img", { class: "thumbnail", src: path, alt: part.alt_text ?? "" }) : h("span", null, part.alt_text ?? "");
}

const interactives = (block, surface) => (block.elements ?? []).map((element) => interactive(element, block, surface));

/** The token that finds a control again after its message was drawn anew. */
const tokenOf = (surface, element) => `${surface.id}|${element.action_id}|${element.value ?? ""}`;

function interactive(element, block, surface, label = "") {
  if (element.type === "image") return thumbnail(element);
  const token = tokenOf(surface, element);
  const key = element.action_id;
  const change = (value) => {
    if (element.type !== "button") surface.form?.set(key, value);
    perform(surface, element, token, value);
  };
  const value = surface.form?.get(key) ?? initialOf(element);
  const node = control(element, { value, change, label: label || plainText(element.placeholder), focus: token });
  if (node instanceof Node) markPending(surface, token, node);
  return node ?? unknown(element);
}

let fieldNumber = 0;

function input(block, surface, error) {
  const { element } = block;
  const key = block.block_id ?? element.action_id;
  const id = `field-${(fieldNumber += 1)}`;
  const token = `${surface.id}|${key}|${element.action_id}`; // forms often give all fields one action_id
  const change = (value) => {
    surface.form?.set(key, value);
    if (block.dispatch_action && !/input$/.test(element.type)) perform(surface, element, token, value);
  };
  const value = surface.form?.has(key) ? surface.form.get(key) : initialOf(element);
  const field = control(element, { value, change, label: plainText(block.label), focus: token, id, error });
  if (block.dispatch_action && /input$/.test(element.type)) dispatchOnEnter(field, () => perform(surface, element, token, field.value));
  return h(
    "div",
    { class: error ? "has-error" : null },
    h("label", { for: id, class: "field-label" }, textObject(block.label), block.optional && h("span", { class: "optional" }, " (optional)")),
    field,
    h("div", { id: `${id}-more` }, error && h("p", { class: "field-error" }, icon("warn"), error), block.hint && h("p", { class: "field-hint" }, textObject(block.hint))),
  );
}

function dispatchOnEnter(field, act) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    act();
  });
}

const CELLS = table({
  raw_text: (cell) => cell.text,
  raw_number: (cell) => cell.text ?? String(cell.value),
  rich_text: (cell) => richText(cell),
});

function grid(block) {
  const [head, ...body] = block.rows ?? [];
  const cell = (tag) => (one, column) => {
    const settings = block.column_settings?.[column] ?? {};
    const classes = `align-${settings.align ?? "left"}${settings.is_wrapped ? " is-wrapped" : ""}`;
    return h(tag, { class: classes, scope: tag === "th" ? "col" : null }, CELLS[one.type]?.(one) ?? "");
  };
  return h(
    "div",
    { class: "table-frame", role: "region", "aria-label": "Table", tabindex: "0" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, (head ?? []).map(cell("th")))),
      h("tbody", null, body.map((row) => h("tr", null, row.map(cell("td"))))),
    ),
  );
}
