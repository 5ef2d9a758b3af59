// Every interactive element of Block Kit. `use` says what an element is for: {value, change(value), label, focus, id?, error?}.

import { h, icon, table } from "./dom.js";
import { safeAddress } from "./links.js";
import { openMenu } from "./menu.js";
import { plainText, textObject } from "./mrkdwn.js";
import { optionsOf } from "./options.js";

const common = (element, use) => ({
  id: use.id,
  "data-action-id": element.action_id,
  "data-focus": use.focus,
  "aria-label": use.id ? null : use.label,
  "aria-invalid": use.error ? "true" : null,
  "aria-describedby": use.id ? `${use.id}-more` : null,
});

function button(element, use) {
  const style = element.style ? ` button-${element.style}` : "";
  const attributes = {
    ...common(element, { ...use, label: element.accessibility_label }),
    class: `button${style}`,
    "data-value": element.value,
    onclick: () => use.change(element.value),
  };
  const text = h("span", { class: "button-text" }, textObject(element.text));
  const href = element.url && safeAddress(element.url);
  if (!href) return h("button", { type: "button", ...attributes }, text);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", ...attributes }, text);
}

/** A button that opens a list and shows what is chosen. */
function select(element, use, multiple = false) {
  const options = optionsOf(element);
  const selected = multiple ? [...(use.value ?? [])] : use.value === undefined ? [] : [use.value];
  const chosen = options.filter((option) => selected.includes(option.value));
  const placeholder = plainText(element.placeholder) || "Choose";
  const shown = h("span", { class: "select-value" });
  const show = (now) => {
    shown.textContent = now.map((option) => option.text).join(", ") || placeholder;
    shown.classList.toggle("is-empty", now.length === 0);
    node.setAttribute("aria-label", [...new Set([use.label || placeholder, shown.textContent])].join(": "));
    selected.splice(0, selected.length, ...now.map((option) => option.value));
  };
  const choose = (value) => {
    show(options.filter((option) => (multiple ? value.includes(option.value) : option.value === value)));
    use.change(value);
  };
  const node = h(
    "button",
    {
      ...common(element, use),
      type: "button",
      class: "select",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-label": null,
      onclick: () => openMenu({ anchor: node, label: use.label || placeholder, options, selected: [...selected], multiple, choose }),
      onkeydown: openOnArrow,
    },
    shown,
    icon("down"),
  );
  show(chosen);
  return node;
}

function openOnArrow(event) {
  if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
  event.preventDefault();
  event.currentTarget.click();
}

function overflow(element, use) {
  const choose = (value) => {
    const option = (element.options ?? []).find((one) => one.value === value);
    const href = option?.url && safeAddress(option.url);
    if (href) window.open(href, "_blank", "noopener");
    use.change(value);
  };
  const node = h(
    "button",
    {
      ...common(element, { ...use, label: "More actions" }),
      type: "button",
      class: "button button-more",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: () => openMenu({ anchor: node, label: "More actions", kind: "menu", options: optionsOf(element), choose }),
      onkeydown: openOnArrow,
    },
    icon("more"),
  );
  return node;
}

/** Radio buttons or checkboxes. */
function choices(element, use, type) {
  const name = `${use.focus}-${crypto.randomUUID()}`;
  const isChosen = (value) => (type === "radio" ? use.value === value : (use.value ?? []).includes(value));
  const group = h("div", {
    ...common(element, use),
    "data-focus": null,
    class: "choices",
    role: type === "radio" ? "radiogroup" : "group",
    "aria-label": use.label,
    onchange: () => {
      const values = [...group.querySelectorAll("input:checked")].map((input) => input.value);
      use.change(type === "radio" ? values[0] : values);
    },
  });
  for (const option of element.options ?? []) {
    const input = h("input", { type, name, value: option.value, "data-focus": `${use.focus}/${option.value}` });
    input.checked = isChosen(option.value);
    const description = option.description && h("small", null, textObject(option.description));
    group.append(h("label", { class: "choice" }, input, h("span", { class: "choice-text" }, textObject(option.text), description)));
  }
  return group;
}

/** A field that is typed into; `change` on each key in a form, on Enter or leaving elsewhere. */
function typed(element, use, type) {
  const attributes = {
    ...common(element, use),
    class: "field",
    placeholder: plainText(element.placeholder) || null,
    maxlength: element.max_length,
    autocomplete: "off",
  };
  if (element.multiline || type === "textarea") {
    const area = h("textarea", { ...attributes, rows: "4", oninput: () => use.change(area.value) });
    area.value = use.value ?? "";
    return area;
  }
  const numeric = type === "number" ? { inputmode: element.is_decimal_allowed ? "decimal" : "numeric" } : {};
  const input = h("input", { ...attributes, ...numeric, type: type === "number" ? "text" : type });
  input.value = use.value ?? "";
  input.addEventListener(use.id ? "input" : "change", () => use.change(input.value));
  return input;
}

function moment(element, use) {
  const pad = (number) => String(number).padStart(2, "0");
  const local = (seconds) => {
    const date = new Date(Number(seconds) * 1000);
    return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
  };
  const change = (text) => use.change(text && String(Math.floor(new Date(text).getTime() / 1000)));
  return typed(element, { ...use, value: use.value && local(use.value), change }, "datetime-local");
}

function feedback(element, use) {
  const both = [element.positive_button, element.negative_button].filter(Boolean);
  return both.map((one) => button({ ...one, action_id: element.action_id }, { ...use, focus: `${use.focus}/${one.value}` }));
}

const MAKERS = table({
  button,
  overflow,
  feedback_buttons: feedback,
  icon_button: button,
  workflow_button: button,
  radio_buttons: (element, use) => choices(element, use, "radio"),
  checkboxes: (element, use) => choices(element, use, "checkbox"),
  plain_text_input: (element, use) => typed(element, use, "text"),
  rich_text_input: (element, use) => typed(element, use, "textarea"),
  number_input: (element, use) => typed(element, use, "number"),
  email_text_input: (element, use) => typed(element, use, "email"),
  url_text_input: (element, use) => typed(element, use, "url"),
  datepicker: (element, use) => typed(element, use, "date"),
  timepicker: (element, use) => typed(element, use, "time"),
  datetimepicker: moment,
});

/** The element as a node, or undefined for a kind that is not interactive here. */
export function control(element, use) {
  if (MAKERS[element.type]) return MAKERS[element.type](element, use);
  if (/^multi_.*select$/.test(element.type)) return select(element, use, true);
  return /select$/.test(element.type) ? select(element, use) : undefined;
}
